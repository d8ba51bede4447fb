"""The command `worker`, run as a process beside an application that does not archive."""

from __future__ import annotations

import contextlib
import signal
import time
from datetime import timedelta

import pytest
from cold_archives import opened, query
from command_line import run, start
from eventually import eventually
from graph_runner import thread
from graphs import chat_graph, says
from psycopg.conninfo import conninfo_to_dict

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.hot.keys import thread_keys

SECRET = "s3crtword"
SESSIONS = "SELECT thread_id, status, message_count FROM prompt_sessions ORDER BY thread_id"


def set_up(dsn, **options):
    with opened(dsn, **options):
        pass


@pytest.fixture
def dsn(postgres_dsn):
    set_up(postgres_dsn)
    return postgres_dsn


@pytest.fixture
def open_application(redis_url, dsn):
    """Opens savers that only queue what is to be archived."""
    with contextlib.ExitStack() as stack:

        def open_application(**settings):
            settings = {"archive_delay": timedelta(milliseconds=20), **settings}
            return stack.enter_context(
                DualStoreSaver.from_conn_string(redis_url, dsn, run_archiver=False, **settings)
            )

        yield open_application


@pytest.fixture
def application(open_application):
    return open_application()


def talk(saver, thread_id="1", text="hello"):
    chat_graph(saver).invoke(says(text), thread(thread_id))


@contextlib.contextmanager
def working(redis_url, dsn, *arguments):
    """A worker that has started, killed at the end if it has not ended by then."""
    with start("worker", "--redis", redis_url, "--postgres", dsn, *arguments) as process:
        try:
            assert process.stdout.readline().startswith("Archiving from ")
            yield process
        finally:
            process.kill()


def ended(process, number):
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert "Traceback" not in told
    return process.returncode, told


def test_it_archives_what_is_due_until_it_is_stopped(application, redis_url, dsn):
    with working(redis_url, dsn) as worker:
        talk(application, "1")
        eventually(lambda: query(dsn, SESSIONS) == [("1", "finished", 2)])
        talk(application, "2")
        eventually(lambda: query(dsn, SESSIONS) == [("1", "finished", 2), ("2", "finished", 2)])
        talk(application, "1", "and")
        eventually(lambda: query(dsn, SESSIONS)[0] == ("1", "finished", 4))
        eventually(lambda: application.backlog().queued == 0)
        code, told = ended(worker, signal.SIGTERM)
    assert code == 0
    assert "INFO stopped, 3 threads archived in all" in told


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_when_the_batch_at_hand_is_archived(
    application, redis_url, dsn, number, code
):
    count = 150
    for name in range(count):
        talk(application, str(name))
    with working(redis_url, dsn) as worker:
        eventually(lambda: query(dsn, SESSIONS))
        assert ended(worker, number)[0] == code
    backlog = application.backlog()
    assert backlog.leased == 0
    assert len(query(dsn, SESSIONS)) + backlog.queued == count
    assert {row[1:] for row in query(dsn, SESSIONS)} == {("finished", 2)}


def test_it_logs_what_it_archives_and_what_is_left(application, redis_url, dsn):
    with working(redis_url, dsn) as worker:
        talk(application)
        time.sleep(0.1)
        assert "INFO archived 1 thread; 0 due, 0 wait for their time" in next(
            line for line in worker.stderr if "archived" in line
        )


def test_once_archives_what_is_due_and_ends(application, redis_url, dsn):
    for name in range(70):
        talk(application, str(name))
    done = run("worker", "--redis", redis_url, "--postgres", dsn, "--once")
    assert done.returncode == 0, done.stderr
    assert "INFO archived 70 threads, 0 wait for their time" in done.stderr
    assert len(query(dsn, SESSIONS)) == 70
    assert application.backlog().queued == 0
    again = run("worker", "--redis", redis_url, "--postgres", dsn, "--once")
    assert "INFO archived 0 threads" in again.stderr


def test_once_ends_with_1_if_a_thread_had_to_be_set_aside(
    application, redis_url, redis_client, dsn
):
    talk(application, "good")
    talk(application, "bad")
    redis_client.append(thread_keys(application.settings.prefix, "bad").journal, b"no journal")
    done = run("worker", "--redis", redis_url, "--postgres", dsn, "--once")
    assert done.returncode == 1
    assert "thread 'bad' cannot be archived and is set aside" in done.stderr
    assert done.stderr.endswith(
        "Error: 1 thread could not be archived and had to be set aside, see above.\n"
    )
    assert [row[0] for row in query(dsn, SESSIONS)] == ["good"]
    assert [letter.thread_id for letter in application.backlog().dead] == ["bad"]


def test_it_looks_at_its_own_prefix_and_writes_to_its_own_schema(open_application, redis_url, dsn):
    set_up(dsn, schema="chat")
    other = open_application(prefix="other", schema="chat")
    talk(open_application(), "mine")
    talk(other, "theirs")
    arguments = ("--schema", "chat", "--prefix", "other", "--once")
    done = run("worker", *arguments, REDIS_URL=redis_url, POSTGRES_DSN=dsn)
    assert done.returncode == 0, done.stderr
    assert query(dsn, SESSIONS) == []
    found = query(dsn, "SELECT thread_id FROM chat.prompt_sessions")
    assert found == [("theirs",)]


def test_the_addresses_may_come_from_the_environment(application, redis_url, dsn):
    talk(application)
    done = run("worker", "--once", REDIS_URI=redis_url, DATABASE_URI=dsn)
    assert done.returncode == 0, done.stderr
    assert len(query(dsn, SESSIONS)) == 1


def test_it_waits_until_postgres_is_back(redis_url, own_postgres):
    dsn = own_postgres.url
    set_up(dsn)
    with (
        DualStoreSaver.from_conn_string(
            redis_url, dsn, run_archiver=False, restore=False
        ) as application,
        working(redis_url, dsn) as worker,
    ):
        talk(application, "1")
        eventually(lambda: query(dsn, SESSIONS))
        own_postgres.kill()
        talk(application, "2")
        assert any("cannot archive, will try again" in line for line in worker.stderr)
        own_postgres.start()
        eventually(lambda: len(query(dsn, SESSIONS)) == 2, timeout=60)
        assert ended(worker, signal.SIGTERM)[0] == 0


def test_without_tables_it_says_what_mends_that(redis_url, postgres_dsn):
    told = run("worker", "--redis", redis_url, "--postgres", postgres_dsn)
    assert told.returncode == 1
    assert told.stdout == ""
    assert "langgraph-dualstore setup" in told.stderr
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("redis", "postgres", "code"),
    [
        (f"redis://:{SECRET}@127.0.0.1:1/0", None, 1),
        (f"http://:{SECRET}@127.0.0.1:1/0", None, 2),
        (None, f"postgresql://user:{SECRET}@127.0.0.1:1/db", 1),
        (None, f"postgresql://user:pass@{SECRET}@127.0.0.1:1/db", 2),
    ],
)
def test_a_server_that_cannot_be_asked_is_told_in_a_sentence(redis_url, dsn, redis, postgres, code):
    told = run("worker", "--redis", redis or redis_url, "--postgres", postgres or dsn)
    assert told.returncode == code
    assert told.stdout == ""
    assert told.stderr.startswith("Error: ")
    assert told.stderr.count("\n") == 1
    assert SECRET not in told.stderr


def test_what_it_prints_at_the_start_has_no_password(application, redis_url, dsn):
    done = run("worker", "--redis", redis_url, "--postgres", dsn, "--once")
    password = conninfo_to_dict(dsn)["password"]
    assert done.stdout.startswith("Archiving from redis://")
    assert conninfo_to_dict(dsn)["dbname"] in done.stdout
    assert password not in done.stdout + done.stderr
    assert done.stdout.count("\n") == 1
