"""The command `prune`: what is old leaves the archive, once somebody has said so."""

import json
import signal
from datetime import UTC, datetime, timedelta

import pytest
from cold_archives import START, await_lock, dialog, opened, query, store
from command_line import at_terminal, run, start
from graph_runner import thread
from graphs import chat_graph, says
from psycopg import connect


@pytest.fixture
def archive(archive_dsn):
    """An archive with three threads of 2024, one of them deleted, and one of today."""
    with opened(archive_dsn) as archive:
        for n in range(3):
            store(archive, str(n), *dialog(2), hour=n + 1)
        archive.delete("2", keep_transcript=False)
        query(
            archive_dsn,
            "UPDATE prompt_sessions SET deleted_at = %s WHERE deleted_at IS NOT NULL",
            START,
        )
        hours = (datetime.now(UTC) - START) / timedelta(hours=1)
        store(archive, "new", *dialog(2), hour=hours)
        yield archive


def left(dsn):
    return [row[0] for row in query(dsn, "SELECT thread_id FROM prompt_sessions ORDER BY 1")]


def test_what_is_old_is_removed(archive, archive_dsn, servers):
    done = run("prune", "--older-than", "90d", "--yes", **servers)
    assert (done.returncode, done.stderr) == (0, "")
    day = f"{datetime.now(UTC) - timedelta(days=90):%Y-%m-%d}"
    assert done.stdout.startswith(
        f"Removed 2 threads, 4 messages and 1 mark of what was deleted, last active before {day}"
    )
    assert left(archive_dsn) == ["new"]


def test_a_dry_run_counts_only(archive, archive_dsn, cli):
    before = left(archive_dsn)
    done = cli("prune", "--older-than", "2024-01-01T01:30Z", "--dry-run")
    assert done.returncode == 0
    assert done.stdout == (
        "Would remove 1 thread, 2 messages and 1 mark of what was deleted, "
        "last active before 2024-01-01 01:30:00 UTC.\n"
    )
    counts = json.loads(cli("prune", "--older-than", "90d", "--dry-run", "--json").stdout)
    assert counts["dry_run"] is True
    assert datetime.fromisoformat(counts["before"]) < datetime.now(UTC)
    assert counts["removed"] == {
        "sessions": 2,
        "messages": 4,
        "turns": 2,
        "entries": counts["removed"]["entries"],
        "tombstones": 1,
    }
    assert left(archive_dsn) == before
    removed = json.loads(cli("prune", "--older-than", "90d", "--yes", "--json").stdout)
    assert removed["dry_run"] is False
    assert removed["removed"] == counts["removed"]
    assert left(archive_dsn) == ["new"]


def test_it_asks_first(archive, archive_dsn, servers):
    before = left(archive_dsn)
    arguments = ("prune", "--older-than", "2024-06-01")
    shown = at_terminal(*arguments, typed="n\n", **servers)
    assert shown.returncode == 1
    asked = " ".join(shown.text.split())
    assert "Remove 2 threads, 4 messages and 1 mark of what was deleted, last active" in asked
    assert "for good? [y/N]" in asked
    assert left(archive_dsn) == before
    shown = at_terminal(*arguments, typed="y\n", **servers)
    assert shown.returncode == 0
    assert left(archive_dsn) == ["new"]


def test_without_a_terminal_it_takes_a_yes(archive, archive_dsn, cli):
    before = left(archive_dsn)
    done = cli("prune", "--older-than", "90d")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--yes goes ahead without asking" in done.stderr
    assert left(archive_dsn) == before


def test_nothing_old_is_told_in_a_sentence(archive, cli):
    done = cli("prune", "--older-than", "2023-06-01", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "Nothing in the archive was active last before 2023-06-01 00:00:00 UTC.\n"
    )
    counts = json.loads(cli("prune", "--older-than", "2023-06-01", "--yes", "--json").stdout)
    assert counts["dry_run"] is False
    assert set(counts["removed"].values()) == {0}


def test_a_thread_in_redis_stays_there(application, archive_dsn, cli):
    chat_graph(application).invoke(says("hello"), thread("t"))
    application.archive_thread("t")
    assert cli("prune", "--older-than", "0s", "--yes").returncode == 0
    assert left(archive_dsn) == []
    assert application.thread("t").where == "hot"


def test_ctrl_c_rolls_the_batch_at_hand_back_and_says_what_was_done(archive, archive_dsn, servers):
    before = left(archive_dsn)
    with connect(archive_dsn) as other:
        other.execute("LOCK TABLE prompt_turns IN SHARE MODE")
        with start("prune", "--older-than", "90d", "--yes", **servers) as process:
            await_lock(archive_dsn)
            process.send_signal(signal.SIGINT)
            printed, told = process.communicate(timeout=30)
    assert (process.returncode, printed) == (130, "")
    assert told == "Stopped: 0 of 3 removed.\n"
    assert left(archive_dsn) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--older-than"),
        (["--older-than", "90"], "90d are days"),
        (["--older-than", "soon"], "'soon' is no time"),
        (["--older-than", "2999-01-01"], "older_than must be in the past"),
    ],
)
def test_what_cannot_be_is_refused(cli, arguments, told):
    done = cli("prune", *arguments, "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_without_an_archive_there_is_nothing_to_do(hot_cli):
    done = hot_cli("prune", "--older-than", "90d", "--yes")
    assert done.returncode == 2
    assert "there is no archive; --postgres" in done.stderr
