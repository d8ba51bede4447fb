"""The command line of the benchmarks."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Annotated

os.environ["LANGSMITH_TRACING"] = "false"

import typer
from rich.console import Console

from benchmarks.counted import count
from benchmarks.opened import Opened, opened
from benchmarks.report import as_json, as_markdown, print_report
from benchmarks.results import Failure, Results
from benchmarks.rounds import Rounds
from benchmarks.savers import BASELINE, KINDS, MEASURED, USUAL
from benchmarks.scale import FULL, QUICK, SMOKE, Scale
from benchmarks.scenarios import TIMED
from benchmarks.scenarios.stored import NAME as STORED
from benchmarks.targets import verdicts

APIS = ("sync", "async")
SCENARIOS = (*TIMED, STORED)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    scenario: Annotated[
        list[str] | None,
        typer.Option(help=f"Some of {', '.join(SCENARIOS)}; a prefix chooses several."),
    ] = None,
    savers: Annotated[
        str | None,
        typer.Option(help=f"Some of {', '.join(KINDS)}; without it, {', '.join(USUAL)}."),
    ] = None,
    api: Annotated[str, typer.Option(help="sync, async, or both.")] = "both",
    rounds: Annotated[int | None, typer.Option(min=1, help="Measured rounds.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer rounds; the memory and dualstore savers only.")
    ] = False,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Run everything once; the numbers mean nothing.")
    ] = False,
    best: Annotated[
        bool, typer.Option("--best", help="A round's quickest call counts, not its median one.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all values.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="End with 1 if a target is missed.")
    ] = False,
) -> None:
    """Time LangGraph checkpointers side by side, and count what they store and send."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    scale = SMOKE if smoke else QUICK if quick else FULL
    scale = replace(scale, best=best)
    if rounds is not None:
        scale = replace(scale, rounds=rounds)
    wanted = _scenarios(scenario)
    apis = _apis(api)
    names = _savers(savers, quick=quick or smoke)
    results = Results(versions=_versions(names))
    start = perf_counter()
    with opened() as servers:
        _measure(console, servers, results, scale, wanted, apis, names)
        results.versions.update(
            {KINDS[name].title + " on": value for name, value in servers.versions().items()}
        )
    outcome = verdicts(results, wanted, apis) if MEASURED in names else []
    print_report(console, results, outcome)
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    console.print(f"{perf_counter() - start:.0f} s, {scale.rounds} rounds, {load} at the end")
    if json_file:
        json_file.write_text(json.dumps(as_json(results, outcome), indent=1), encoding="utf-8")
    if markdown:
        markdown.write_text(as_markdown(results, outcome), encoding="utf-8")
    if check and not all(verdict.passed for verdict in outcome):
        raise typer.Exit(1)


def _measure(
    console: Console,
    servers: Opened,
    results: Results,
    scale: Scale,
    wanted: list[str],
    apis: list[str],
    names: list[str],
) -> None:
    for scenario in wanted:
        for api in apis:
            with console.status(f"{scenario}, {api}"):
                if scenario != STORED:
                    rounds = Rounds(servers, TIMED[scenario], api, scale)
                    results.timed += rounds.run(names, console)
                    results.failures += rounds.failures
                    continue
                for name in names:
                    try:
                        results.stored.append(count(servers, name, api, scale))
                    except Exception as error:
                        console.print_exception()
                        results.failures.append(
                            Failure(scenario=scenario, api=api, saver=name, error=repr(error))
                        )


def _scenarios(chosen: list[str] | None) -> list[str]:
    if not chosen:
        return list(SCENARIOS)
    prefixes = [prefix for value in chosen for prefix in value.split(",")]
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in SCENARIOS):
            raise typer.BadParameter(f"No scenario begins with {prefix!r}.")
    exact = [name for name in SCENARIOS if name in prefixes]
    begun = [
        name
        for name in SCENARIOS
        if any(name.startswith(prefix) for prefix in prefixes if prefix not in SCENARIOS)
    ]
    return [name for name in SCENARIOS if name in exact or name in begun]


def _apis(chosen: str) -> list[str]:
    if chosen == "both":
        return list(APIS)
    if chosen not in APIS:
        raise typer.BadParameter("--api is sync, async or both.")
    return [chosen]


def _savers(chosen: str | None, *, quick: bool) -> list[str]:
    """The baseline and the chosen ones that are installed, in the order of the report."""
    wanted = chosen.split(",") if chosen else [MEASURED] if quick else list(USUAL)
    for name in wanted:
        if name not in KINDS:
            raise typer.BadParameter(f"No saver is called {name!r}.")
        if chosen and not _usable(name):
            raise typer.BadParameter(f"{KINDS[name].package} is not installed.")
    return [name for name in KINDS if name == BASELINE or (name in wanted and _usable(name))]


def _usable(name: str) -> bool:
    return name == MEASURED or KINDS[name].installed() is not None


def _versions(names: list[str]) -> dict[str, str]:
    found = {"Python": platform.python_version()}
    packages = ["langgraph", *(KINDS[name].package for name in names)]
    for package in dict.fromkeys(packages):
        found[package] = _version(package)
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(checkout)"
