"""The commands `archive` and `restore`: each thread is told of, and others go on."""

from __future__ import annotations

import contextlib
import signal

import pytest
from cold_archives import await_lock, query
from command_line import at_terminal, run, start
from graph_runner import thread
from graphs import chat_graph, says
from psycopg import connect

from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.errors import ColdStoreUnavailable
from langgraph_dualstore.hot.keys import thread_keys

HOSTILE = "\x1b[2J\n[red]"


def talk(saver, thread_id, text="hello"):
    chat_graph(saver).invoke(says(text), thread(thread_id))


def spoil(saver, client, thread_id):
    """Have a thread that cannot be archived."""
    talk(saver, thread_id)
    client.append(thread_keys(saver.settings.prefix, thread_id).journal, b"no journal")


def archived(saver):
    return sorted(info.thread_id for info in saver.list_threads().threads if info.where != "hot")


def test_threads_are_archived_and_told_of(application, servers):
    talk(application, "a")
    talk(application, HOSTILE)
    done = run("archive", "a", HOSTILE, "a", **servers)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "a: archived\n\\x1b[2J\\n[red]: archived\n"
    assert archived(application) == [HOSTILE, "a"]


def test_one_that_is_nowhere_or_cannot_be_archived_keeps_no_other_from_it(
    application, redis_client, cli
):
    talk(application, "a")
    talk(application, "cold")
    application.archive_thread("cold")
    redis_client.delete(*redis_client.keys("*{cold}*"))
    spoil(application, redis_client, "bad")
    done = cli("archive", "nowhere\x1b", "bad", "a", "cold")
    assert done.returncode == 1
    assert done.stdout == "a: archived\ncold: archived before; it has left Redis\n"
    first, second = done.stderr.splitlines()
    assert first == "Error: there is no thread 'nowhere\\x1b'"
    assert second.startswith("Error: thread 'bad': ")


def test_all_archives_what_is_in_redis_and_what_an_older_archive_lacks(
    application, archive_dsn, redis_client, cli
):
    for name in ("a", "b", "cold"):
        talk(application, thread_id=name)
        application.archive_thread(name)
    redis_client.delete(*redis_client.keys("langgraph:state:{cold}:*"))
    query(archive_dsn, "DELETE FROM prompt_sessions WHERE thread_id = 'a' RETURNING 1")
    assert cli("archive", "--all").stdout == "Archived 2 threads.\n"
    assert archived(application) == ["b", "cold"], "Redis was not believed"
    assert cli("archive", "--all", "--recheck").stdout == "Archived 2 threads.\n"
    assert archived(application) == ["a", "b", "cold"]
    query(archive_dsn, "DELETE FROM prompt_sessions WHERE thread_id = 'a' RETURNING 1")
    assert cli("archive", "a", "--recheck").stdout == "a: archived\n"
    assert archived(application) == ["a", "b", "cold"]


def test_due_archives_what_is_due(application, redis_client, servers):
    for n in range(60):
        talk(application, str(n))
    done = run("archive", "--due", **servers)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Archived 60 threads.\n"
    assert application.backlog().queued == 0
    spoil(application, redis_client, "bad")
    shown = at_terminal("archive", "--due", **servers)
    assert shown.returncode == 1
    assert "Archived 0 threads." in shown.text
    assert "Error: thread 'bad' is set aside: CorruptRecord: " in " ".join(shown.text.split())
    assert "Traceback" not in shown.text


@contextlib.contextmanager
def stopped_at_a_lock(dsn, *arguments, **environment):
    """A command at which Ctrl-C was pressed while it waited for thread 0 in the archive."""
    with connect(dsn) as other:
        other.execute("SELECT 1 FROM prompt_sessions WHERE thread_id = '0' FOR UPDATE")
        with start(*arguments, **environment) as process:
            await_lock(dsn)
            process.send_signal(signal.SIGINT)
            other.rollback()
            yield process


def test_ctrl_c_ends_it_between_two_threads(application, archive_dsn, servers):
    names = [str(n) for n in range(5)]
    for name in names:
        talk(application, name)
    application.archive_thread("0")
    talk(application, "0", "more")
    with stopped_at_a_lock(archive_dsn, "archive", *names, **servers) as process:
        printed, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert printed == "0: archived\n"
    assert told == "Stopped: 1 of 5 archived.\n"
    assert archived(application) == ["0"]
    assert application.thread("0").up_to_date


def test_ctrl_c_ends_what_is_due_after_the_batch_at_hand(application, archive_dsn, servers):
    talk(application, "0")
    application.archive_thread("0")
    talk(application, "0", "more")
    with stopped_at_a_lock(archive_dsn, "archive", "--due", **servers) as process:
        printed, told = process.communicate(timeout=30)
    backlog = application.backlog()
    assert backlog.leased == 0
    assert application.thread("0").up_to_date
    # It may have been the last batch.
    assert (process.returncode, printed, told) in [
        (0, "Archived 1 thread.\n", ""),
        (130, "", "Stopped: 1 archived.\n"),
    ]


def test_a_restored_thread_is_in_redis(application, redis_client, servers):
    for name in ("cold", "both", HOSTILE):
        talk(application, name)
        application.archive_thread(name)
    redis_client.delete(*redis_client.keys("*{cold}*"), *redis_client.keys("*red*"))
    done = run("restore", "cold", "both", "nowhere", HOSTILE, **servers)
    assert done.returncode == 1
    # The whole TTL is a day, until a millisecond has passed.
    assert done.stdout.replace("1 d", "24 h") == (
        "cold: restored, for 24 h\n"
        "both: in Redis already, for 24 h\n"
        "\\x1b[2J\\n[red]: restored, for 24 h\n"
    )
    assert done.stderr.startswith("Error: there is no thread 'nowhere'")
    assert application.thread("cold").where == "both"


def test_a_pinned_thread_is_kept_for_ever(application, cli):
    talk(application, "t")
    application.pin("t")
    assert cli("restore", "t").stdout == "t: in Redis already, for ever\n"


def test_an_archive_that_is_away_is_told_once(application, cli):
    talk(application, "a")
    done = cli("restore", "b", "c", DATABASE_URL="postgresql://user:s3crtword@127.0.0.1:1/db")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: PostgreSQL cannot be asked")
    assert done.stderr.count("\n") == 1
    assert "s3crtword" not in done.stderr


def test_what_was_archived_before_the_archive_went_away_is_told(
    application, archive_dsn, cli, monkeypatch
):
    for n in range(120):
        talk(application, str(n))
    archive, left = PostgresArchive.archive, iter([True])

    def archive_once(self, threads):
        if next(left, None) is None:
            raise ColdStoreUnavailable("PostgreSQL cannot be asked")
        return archive(self, threads)

    monkeypatch.setattr(PostgresArchive, "archive", archive_once)
    done = cli("archive", "--due")
    assert (done.returncode, done.stdout) == (1, "")
    ((count,),) = query(archive_dsn, "SELECT count(*) FROM prompt_sessions")
    assert 0 < count < 120
    assert done.stderr == (
        f"Archived {count} threads before this:\nError: PostgreSQL cannot be asked\n"
    )


def test_without_an_archive_there_is_nothing_to_do(hot_cli):
    for command in (["archive", "a"], ["archive", "--due"], ["restore", "a"]):
        done = hot_cli(*command)
        assert done.returncode == 2
        assert "there is no archive; --postgres" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["archive"], "it takes THREAD or --due or --all"),
        (["archive", "--due", "--all"], "not together with --due"),
        (["archive", "--due", "--recheck"], "not together with --due"),
        (["archive", "a", "--due"], "not together with THREAD"),
        (["restore"], "THREAD"),
    ],
)
def test_what_cannot_be_is_refused(cli, arguments, told):
    done = cli(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
