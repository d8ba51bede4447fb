"""The benchmarks run, and every scenario gives numbers. What the numbers are is not tested."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from made_once import made_once

ROOT = Path(__file__).parents[2]
SCENARIOS = {
    "turn-2",
    "turn-50",
    "turn-200",
    "turn-1000",
    "put",
    "get_tuple",
    "list",
    "sends",
    "concurrent",
}
SAVERS = {"memory", "dualstore"}
APIS = {"sync", "async"}


def run_benchmarks(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def is_positive(value):
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def run_it_all(folder):
    found = run_benchmarks(
        "--smoke", "--json", str(folder / "found.json"), "--markdown", str(folder / "found.md")
    )
    assert found.returncode == 0, found.stdout + found.stderr
    report = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    markdown = (folder / "found.md").read_text(encoding="utf-8")
    return {"printed": found.stdout, "report": report, "markdown": markdown}


@pytest.fixture(scope="module")
def smoke_run(tmp_path_factory):
    made = made_once(tmp_path_factory, "benchmarks", run_it_all)
    return made["printed"], made["report"], made["markdown"]


def test_every_scenario_is_timed_with_both_apis_and_no_saver_fails(smoke_run):
    _, report, _ = smoke_run
    assert report["failures"] == []
    timed = {(t["scenario"], t["api"], t["saver"]): t for t in report["timed"]}
    assert set(timed) == {(s, a, v) for s in SCENARIOS for a in APIS for v in SAVERS}
    for found in timed.values():
        assert all(is_positive(value) for value in found["values"])
        assert is_positive(found["spread"]["median"])
        assert is_positive(found["ratio"]["median"])


def test_the_baseline_compared_with_itself_is_exactly_one(smoke_run):
    _, report, _ = smoke_run
    ratios = [t["ratio"]["median"] for t in report["timed"] if t["saver"] == "memory"]
    assert ratios == [1] * len(SCENARIOS) * len(APIS)


def test_bytes_and_round_trips_are_counted_with_both_apis(smoke_run):
    _, report, _ = smoke_run
    stored = {s["api"]: s for s in report["stored"] if s["saver"] == "dualstore"}
    assert set(stored) == APIS
    for found in stored.values():
        for what in (
            "server_bytes",
            "server_items",
            "sent_bytes",
            "received_bytes",
            "round_trips_per_turn",
        ):
            assert is_positive(found[what]), what


def test_the_targets_are_reported_with_their_outcome(smoke_run):
    printed, report, markdown = smoke_run
    assert len(report["targets"]) == 22
    for target in report["targets"]:
        reached = (
            target["value"] >= target["bound"]
            if target["at_least"]
            else target["value"] <= target["bound"]
        )
        assert target["passed"] == reached
        assert target["what"] in printed
        assert target["what"] in markdown


def test_the_floor_makes_six_exchanges_a_turn_and_keeps_nothing_on_the_server(tmp_path):
    file = tmp_path / "found.json"
    arguments = ("--smoke", "--scenario", "turn-2,stored", "--savers", "floor")
    found = run_benchmarks(*arguments, "--json", str(file))
    report = json.loads(file.read_text(encoding="utf-8"))
    assert (found.returncode, report["failures"]) == (0, []), found.stdout + found.stderr
    assert {t["api"] for t in report["timed"] if t["saver"] == "floor"} == APIS
    stored = [s for s in report["stored"] if s["saver"] == "floor"]
    assert [(s["round_trips_per_turn"], s["server_items"]) for s in stored] == [(6, 0), (6, 0)]


def test_check_ends_with_one_exactly_when_a_target_is_missed(tmp_path):
    file = tmp_path / "found.json"
    arguments = ("--smoke", "--scenario", "put,get_tuple", "--api", "sync", "--json", str(file))
    found = run_benchmarks(*arguments, "--check")
    missed = not all(t["passed"] for t in json.loads(file.read_text())["targets"])
    assert found.returncode == int(missed), found.stdout + found.stderr


def test_what_archiving_costs_is_measured():
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.archive", "--only", "increments", "--rounds", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "archiving two more messages" in found.stdout


def test_capabilities_are_told_as_a_table():
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.capabilities", "--savers", "memory,dualstore"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    lines = found.stdout.splitlines()
    assert lines[0] == "|  | InMemorySaver | DualStoreSaver |"
    cells = {name: rest for name, *rest in (line.strip("| ").split(" | ") for line in lines[2:])}
    assert len(cells) == 8
    assert cells["`prune`"][0] == "—"
    for passed, _, of in (cell.partition(" of ") for _, cell in cells.values()):
        assert passed == of
