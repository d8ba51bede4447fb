"""The command `erase`: it asks, and says what was removed where."""

import json
import signal

import pytest
from cold_archives import await_lock
from command_line import at_terminal, run, start
from graph_runner import thread
from graphs import chat_graph, says
from memory_archive import MemoryArchive
from psycopg import connect

from langgraph_dualstore import DualStoreSaver

HOSTILE = "\x1b[2J\n[red]"


def talk(saver, thread_id, **configurable):
    chat_graph(saver).invoke(says("hello"), thread(thread_id, **configurable))


def ids(saver):
    return sorted(info.thread_id for info in saver.list_threads().threads)


@pytest.fixture
def anns(application, redis_client):
    """Threads of ann in each tier and in both, and one of bob."""
    for name in ("cold", "both", "hot"):
        talk(application, name, user_id="ann")
    for name in ("cold", "both"):
        application.archive_thread(name)
    redis_client.delete(*redis_client.keys("*{cold}*"))
    talk(application, "bobs", user_id="bob")


def test_the_receipt_says_what_was_removed_where(anns, application, servers):
    done = run("erase", "both", "hot", "--yes", **servers)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "Erased 2 threads\n"
        "  in Redis: 9 keys\n"
        "  in the archive: 1 thread, 2 messages, 1 turn and 2 pieces to restore from\n"
    )
    assert ids(application) == ["bobs", "cold"]


def test_all_threads_of_a_user_and_a_receipt_for_a_script(anns, application, cli):
    done = cli("erase", "--user", "ann", "--yes", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    receipt = json.loads(done.stdout)
    assert sorted(receipt.pop("thread_ids")) == ["both", "cold", "hot"]
    assert receipt.pop("archive") == application.servers.cold
    assert receipt.pop("entries") > 0
    assert receipt == {"hot_keys": 9, "sessions": 2, "messages": 4, "turns": 2}
    assert ids(application) == ["bobs"]
    again = cli("erase", "--user", "ann", "--yes")
    assert again.returncode == 1
    assert again.stdout.startswith("Nothing was erased\n")
    assert again.stderr == "Error: user 'ann' has no threads\n"


def test_transcripts_that_were_kept_are_a_users_too(redis_url, archive_dsn, cli):
    with DualStoreSaver.from_conn_string(
        redis_url, archive_dsn, run_archiver=False, delete_scope="hot"
    ) as saver:
        talk(saver, "t", user_id="ann")
        saver.archive_thread("t")
        saver.delete_thread("t")
    done = cli("erase", "--user", "ann", "-y", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["messages"] == 2


@pytest.mark.parametrize("typed", ["n\n", "\n", "yes?\n", "\x04"])
def test_without_a_yes_at_the_terminal_nothing_is_removed(application, servers, typed):
    talk(application, HOSTILE)
    shown = at_terminal("erase", HOSTILE, typed=typed, **servers)
    assert shown.returncode == 1
    assert (
        r"Erase thread '\x1b[2J\n[red]' from Redis and the archive, for good? [y/N]" in shown.text
    )
    assert shown.text.endswith("Nothing was removed.\n")
    assert ids(application) == [HOSTILE]


def test_with_a_yes_at_the_terminal_they_are_removed(application, servers):
    talk(application, "a")
    talk(application, "b")
    shown = at_terminal("erase", "a", "b", typed="y\n", **servers)
    assert shown.returncode == 0
    assert "Erase 2 threads from Redis and the archive, for good? [y/N]" in shown.text
    assert "Erased 2 threads\n" in shown.text
    assert max(map(len, shown.text.splitlines())) <= 80
    assert ids(application) == []


def test_ctrl_c_at_the_question_removes_nothing(application, servers):
    talk(application, "a")
    shown = at_terminal("erase", "--user", "ann", typed="\x03", **servers)
    assert shown.returncode == 130
    assert ids(application) == ["a"]


def test_without_a_terminal_it_takes_a_yes(application, cli):
    talk(application, "a")
    done = cli("erase", "a")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: there is no terminal to ask at; --yes goes ahead without asking\n"
    )
    assert ids(application) == ["a"]


def test_one_that_is_nowhere_keeps_no_other_from_it(application, cli):
    talk(application, "a")
    done = cli("erase", "nowhere\x1b", "a", "--yes")
    assert done.returncode == 1
    assert done.stdout.startswith("Erased 1 thread\n")
    assert done.stderr == "Error: there is no thread 'nowhere\\x1b'\n"
    nothing = cli("erase", "a", "--yes", "--json")
    assert nothing.returncode == 1
    assert json.loads(nothing.stdout)["thread_ids"] == []


def test_without_an_archive_it_says_that_none_was_looked_at(anns, application, hot_cli):
    done = hot_cli("erase", "both", "--yes")
    assert done.returncode == 0
    assert "  in the archive: not looked at, as none is known; --postgres says" in done.stdout
    assert application.thread("both").where == "cold"
    assert json.loads(hot_cli("erase", "hot", "--yes", "--json").stdout)["archive"] is None


def test_an_archive_that_cannot_be_searched_is_told_of(redis_url, cli, monkeypatch):
    archive = MemoryArchive()
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as saver:
        talk(saver, "t", user_id="ann")
        monkeypatch.setattr("memory_archive.saver", saver, raising=False)
        done = cli("erase", "--user", "ann", "--yes", "--saver", "memory_archive:saver")
    assert done.returncode == 1
    assert done.stdout.startswith("Erased 1 thread\n")
    assert "threads that have left Redis are not found" in done.stderr


def test_ctrl_c_ends_it_between_two_threads(application, archive_dsn, servers):
    names = ["0", "1", "2"]
    for name in names:
        talk(application, name)
        application.archive_thread(name)
    with connect(archive_dsn) as other:
        other.execute("SELECT 1 FROM prompt_sessions WHERE thread_id = '0' FOR UPDATE")
        with start("erase", *names, "--yes", "--json", **servers) as process:
            await_lock(archive_dsn)
            process.send_signal(signal.SIGINT)
            other.rollback()
            printed, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told == "Stopped: 1 of 3 erased.\n"
    assert json.loads(printed)["thread_ids"] == ["0"]
    assert ids(application) == ["1", "2"]
    assert {application.thread(name).where for name in ("1", "2")} == {"both"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [([], "it takes THREAD or --user"), (["a", "--user", "b"], "not together with THREAD")],
)
def test_what_cannot_be_is_refused(cli, arguments, told):
    done = cli("erase", *arguments, "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
