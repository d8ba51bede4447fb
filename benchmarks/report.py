"""A run's results as tables on the terminal, as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks.results import Results, Spread, Stored
from benchmarks.savers import BASELINE, KINDS
from benchmarks.scenarios import TIMED
from benchmarks.targets import MEGABYTE, Verdict

NOTHING = "-"


@dataclass(frozen=True)
class Sheet:
    """One table, ready to be printed in any form."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def print_report(console: Console, results: Results, outcome: Sequence[Verdict]) -> None:
    """Everything on the terminal."""
    for sheet in sheets(results, outcome):
        table = Table(title=sheet.title, title_justify="left", box=SIMPLE, pad_edge=False)
        for number, name in enumerate(sheet.header):
            table.add_column(name, justify="left" if number < 2 else "right")
        for row in sheet.rows:
            table.add_row(*(_coloured(cell) for cell in row))
        console.print(table)
    for failure in results.failures:
        text = f"{failure.saver} failed in {failure.scenario} ({failure.api}): {failure.error}"
        console.print(text, style="red", markup=False)


def as_markdown(results: Results, outcome: Sequence[Verdict]) -> str:
    """Everything as Markdown tables."""
    parts = [", ".join(f"{name} {value}" for name, value in results.versions.items()) + "."]
    for sheet in sheets(results, outcome):
        rules = ["---" if number < 2 else "---:" for number in range(len(sheet.header))]
        lines = [sheet.header, rules, *sheet.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts.append(f"### {sheet.title}\n\n{table}")
    parts += [
        f"`{failure.saver}` failed in `{failure.scenario}` ({failure.api}): {failure.error}"
        for failure in results.failures
    ]
    return "\n\n".join(parts) + "\n"


def as_json(results: Results, outcome: Sequence[Verdict]) -> dict:
    """Everything, the value of every round included."""
    timed = []
    for found in results.timed:
        ratio = results.ratio(found.scenario, found.api, found.saver)
        timed.append(
            {
                **asdict(found),
                "spread": asdict(found.spread),
                "ratio": asdict(ratio) if ratio else None,
            }
        )
    return {
        "versions": results.versions,
        "timed": timed,
        "stored": [asdict(found) for found in results.stored],
        "failures": [asdict(failure) for failure in results.failures],
        "targets": [
            {
                "scenario": verdict.target.scenario,
                "what": verdict.target.what,
                "api": verdict.api,
                "bound": verdict.target.bound,
                "at_least": verdict.target.at_least,
                "value": verdict.value,
                "passed": verdict.passed,
            }
            for verdict in outcome
        ],
    }


def sheets(results: Results, outcome: Sequence[Verdict]) -> list[Sheet]:
    """The tables of a run; a table without rows is left out."""
    found = [_medians(results), _ratios(results), _stored(results), _targets(outcome)]
    return [sheet for sheet in found if sheet.rows]


def _savers(results: Results) -> list[str]:
    seen = {found.saver for found in (*results.timed, *results.stored)}
    return [name for name in KINDS if name in seen]


def _cells(results: Results) -> list[tuple[str, str]]:
    return list(dict.fromkeys((found.scenario, found.api) for found in results.timed))


def _medians(results: Results) -> Sheet:
    savers = _savers(results)
    rows = []
    for scenario, api in _cells(results):
        unit = TIMED[scenario].unit
        cells = []
        for saver in savers:
            found = results.timed_of(scenario, api, saver)
            cells.append(_number(found.spread.median) if found else NOTHING)
        rows.append((f"{scenario} ({unit})", api, *cells))
    return Sheet("Medians over the rounds", ("scenario", "api", *_titles(savers)), rows)


def _ratios(results: Results) -> Sheet:
    savers = [saver for saver in _savers(results) if saver != BASELINE]
    rows = []
    for scenario, api in _cells(results):
        cells = []
        for saver in savers:
            ratio = results.ratio(scenario, api, saver)
            cells.append(_with_quartiles(ratio) if ratio else NOTHING)
        better = " (more is better)" if TIMED[scenario].higher_is_better else ""
        rows.append((f"{scenario}{better}", api, *cells))
    title = "Ratio to InMemorySaver in the same round: median (quartiles)"
    return Sheet(title, ("scenario", "api", *_titles(savers)), rows)


def _titles(savers: Sequence[str]) -> list[str]:
    return [KINDS[saver].title for saver in savers]


def _with_quartiles(spread: Spread) -> str:
    return f"{_number(spread.median)} ({_number(spread.low)}-{_number(spread.high)})"


def _stored(results: Results) -> Sheet:
    rows = [
        (
            KINDS[found.saver].title,
            found.api,
            f"{found.server_bytes / MEGABYTE:.2f}",
            NOTHING if found.server_items is None else str(found.server_items),
            _megabytes(found.sent_bytes),
            _megabytes(found.received_bytes),
            _per_turn(found.round_trips_per_turn),
            _per_turn(found.commands_per_turn),
        )
        for found in sorted(results.stored, key=_order)
    ]
    turns = results.stored[0].turns if results.stored else 0
    header = (
        "saver",
        "api",
        "MB on the server",
        "keys or rows",
        "MB sent",
        "MB received",
        "round trips a turn",
        "commands a turn",
    )
    return Sheet(f"{turns} chat turns on one new thread", header, rows)


def _order(found: Stored) -> tuple[int, bool]:
    return list(KINDS).index(found.saver), found.api == "async"


def _targets(outcome: Sequence[Verdict]) -> Sheet:
    rows = [
        (
            verdict.target.what,
            verdict.api,
            f"{'≥' if verdict.target.at_least else '≤'} {verdict.target.bound:g}",
            NOTHING if verdict.value is None else f"{verdict.value:.3g}",
            "pass" if verdict.passed else "FAIL",
        )
        for verdict in outcome
    ]
    title = "Targets of DualStoreSaver: times and throughput as ratio to InMemorySaver"
    return Sheet(title, ("target", "api", "bound", "found", "outcome"), rows)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _megabytes(value: int | None) -> str:
    return NOTHING if value is None else f"{value / MEGABYTE:.2f}"


def _per_turn(value: float | None) -> str:
    return NOTHING if value is None else f"{value:g}"


def _coloured(cell: str) -> str:
    return {"pass": "[green]pass[/]", "FAIL": "[bold red]FAIL[/]"}.get(cell, cell)
