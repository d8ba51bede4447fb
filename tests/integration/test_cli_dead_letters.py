"""The commands `dead-letters` and `dead-letters retry`."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from command_line import at_terminal, run
from graph_runner import thread
from graphs import chat_graph, says

from langgraph_dualstore.hot.keys import thread_keys

HOSTILE = "\x1b[2J\n[red]"


@pytest.fixture
def set_aside(application, redis_client, cli):
    """Threads that could not be archived."""
    for name in ("bad", HOSTILE):
        chat_graph(application).invoke(says("hello"), thread(name))
        journal = thread_keys(application.settings.prefix, name).journal
        redis_client.append(journal, b"no journal")
    assert cli("archive", "--due").returncode == 1


def test_what_was_set_aside_is_listed_with_its_reason(set_aside, servers):
    done = run("dead-letters", **servers)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert sorted(line.rpartition("  ")[0] for line in lines[::2]) == [r"\x1b[2J\n[red]", "bad"]
    assert all(line.endswith(" s ago") for line in lines[::2])
    assert all(line.startswith("  CorruptRecord: ") for line in lines[1::2])
    shown = at_terminal("dead-letters", **servers)
    assert max(map(len, shown.text.splitlines())) <= 80
    assert "\x1b" not in shown.text


def test_json_has_a_line_for_each(set_aside, cli):
    done = cli("dead-letters", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(one["thread_id"] for one in found) == [HOSTILE, "bad"]
    for one in found:
        assert one["error"].startswith("CorruptRecord: ")
        assert datetime.now(UTC) - datetime.fromisoformat(one["failed_at"]) < timedelta(minutes=2)


def test_nothing_is_told_in_a_sentence(cli, hot_cli):
    for done in (
        cli("dead-letters"),
        hot_cli("dead-letters", "--json"),
        cli("dead-letters", "retry", "--all"),
    ):
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == "Nothing was set aside.\n"


def test_what_is_retried_is_queued_again(set_aside, application, redis_client, cli):
    application.delete_thread("bad")
    chat_graph(application).invoke(says("hello"), thread("other"))
    done = cli("dead-letters", "retry", HOSTILE, "other")
    assert done.returncode == 1
    assert done.stdout == "\\x1b[2J\\n[red]: queued again\n"
    assert done.stderr == "Error: thread 'other' was not set aside\n"
    assert application.backlog().dead == []
    assert application.backlog().queued == 2
    assert application.ttl_of(HOSTILE) is not None


def test_all_are_retried(set_aside, application, servers):
    done = run("dead-letters", "retry", "--all", **servers)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == [
        r"\x1b[2J\n[red]: queued again",
        "bad: queued again",
    ]
    assert application.backlog().dead == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["retry"], "it takes THREAD or --all"),
        (["retry", "a", "--all"], "not together with THREAD"),
        (["--json", "retry", "a"], "options come after retry"),
        (["--prefix", "other", "retry", "--all"], "options come after retry"),
        (["again"], "again"),
    ],
)
def test_what_cannot_be_is_refused(cli, arguments, told):
    done = cli("dead-letters", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
