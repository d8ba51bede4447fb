"""The command `copy`: from whatever names a saver, in the process and as one."""

import json
import textwrap
from functools import partial

import psycopg
import pytest
from cold_archives import query
from command_line import run
from ended_copies import COUNT, end_it_twice_and_go_on, fill
from graph_runner import thread
from graphs import chat_graph, says
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from raw_checkpoints import config_of
from tuple_comparison import assert_same, in_order

from langgraph_dualstore import ConfigurationError, DualStoreSaver
from langgraph_dualstore.cli.sources import opened_source, told

SECRET = "s3crtword"

ENVIRONMENT = {}
"""What the command's process is given; it does not see what a test sets in its own."""

MODULE = """
    import contextlib
    import os

    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.checkpoint.postgres import PostgresSaver
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from langgraph.checkpoint.sqlite import SqliteSaver

    DSN = os.environ.get("SOURCE_DSN", "")
    PATH = os.environ.get("SOURCE_PATH", "")

    memory = InMemorySaver()
    sqlite = SqliteSaver.from_conn_string(PATH)
    nothing = None
    left = []


    def postgres():
        return PostgresSaver.from_conn_string(DSN)


    async def awaited():
        return AsyncPostgresSaver.from_conn_string(DSN)


    @contextlib.contextmanager
    def managed():
        with postgres() as saver:
            yield saver
        left.append("managed")


    @contextlib.asynccontextmanager
    async def async_managed():
        async with AsyncPostgresSaver.from_conn_string(DSN) as saver:
            yield saver
        left.append("async_managed")


    def text():
        return "postgresql://"


    def broken():
        raise OSError("postgresql://user:s3crtword@host/db\\nis away")
"""


@pytest.fixture
def module(tmp_path, monkeypatch, postgres_dsn):
    """A module of somebody's, whose savers have a thread of two turns; returns its environment."""
    name = f"savers_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(MODULE))
    path = str(tmp_path / "source.db")
    with PostgresSaver.from_conn_string(postgres_dsn) as saver:
        saver.setup()
        talk(saver, "1")
    with SqliteSaver.from_conn_string(path) as saver:
        talk(saver, "1")
    ENVIRONMENT.clear()
    environment = {"SOURCE_DSN": postgres_dsn, "SOURCE_PATH": path, "PYTHONPATH": str(tmp_path)}
    ENVIRONMENT.update(environment)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def talk(saver, *names):
    for name in names:
        for text in "ab":
            chat_graph(saver).invoke(says(text), thread(name))


@pytest.mark.parametrize(
    "name", ["sqlite", "postgres", "awaited", "managed", "async_managed", "PostgresSaver"]
)
def test_what_names_a_saver(module, name):
    if name == "PostgresSaver":
        with pytest.raises(BaseException) as failed, opened_source(f"{module}:{name}"):
            pass
        assert failed.value.exit_code == 1  # it wants a connection
        return
    with opened_source(f"{module}:{name}") as source:
        assert source.find() == ["1"]
        assert len(source.read("1").found) == 6
    if "managed" in name:
        assert __import__(module).left[-1] == name


def test_a_saver_itself_may_be_named(module, saver):
    with opened_source(f"{module}:memory") as source:
        assert source.find() == []


@pytest.mark.parametrize("name", ["text", "nothing", "missing"])
def test_what_names_no_saver(module, name):
    with pytest.raises(ConfigurationError, match="--from"), opened_source(f"{module}:{name}"):
        pass


def test_an_error_is_told_in_a_line_without_passwords():
    error = OSError(f"postgresql://user:{SECRET}@host/db\nhost=x password={SECRET} is away")
    assert told(error) == "OSError: postgresql://…host/db host=x password=… is away"


def copy(module, name, *arguments, begin=run):
    return begin("copy", "--from", f"{module}:{name}", *arguments, **ENVIRONMENT)


def test_threads_are_copied_archived_and_told_of(module, redis_url, postgres_dsn):
    with DualStoreSaver.from_conn_string(redis_url, postgres_dsn) as target:
        target.setup()
    with PostgresSaver.from_conn_string(postgres_dsn) as source:
        talk(source, "2", "3")
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute(
                "UPDATE checkpoint_blobs SET blob = '\\xc1' WHERE thread_id = '3' AND blob <> ''"
            )
        servers = ("--redis", redis_url, "--postgres", postgres_dsn)
        done = copy(module, "async_managed", *servers)
        assert done.returncode == 1
        assert done.stdout == (
            "Copied 2 threads with 12 checkpoints; 1 failed; 2 in the archive.\n"
        ), done.stderr
        assert done.stderr.startswith("Thread '3': it cannot be read: ")
        assert done.stderr.count("\n") == 1
        with DualStoreSaver.from_conn_string(redis_url, postgres_dsn, run_archiver=False) as target:
            for name in "12":
                found = in_order(target.list(config_of(name, None)))
                assert_same(found, in_order(source.list(config_of(name, None))))
            assert target.backlog().queued == 0
            talk(target, "2")
        again = copy(
            module, "managed", "--thread", "1", "--threads-from", "-", "--json",
            "--archived-only", *servers,
        )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == {
        "copied": 0, "unchanged": 1, "ahead": 0, "deleted": 0, "failed": 0,
        "checkpoints": 0, "writes": 0, "archived": 1, "evicted": 1,
        "left": 0, "waiting": 0, "dry_run": False, "threads": [],
    }  # fmt: skip
    assert {row[0] for row in query(postgres_dsn, "SELECT thread_id FROM prompt_sessions")} == {
        "1",
        "2",
    }


def test_a_dry_run_without_an_archive(module, redis_url, redis_client, tmp_path):
    (tmp_path / "ids.txt").write_text("1\n\n1\n")
    arguments = ("--redis", redis_url, "--dry-run", "--threads-from", tmp_path / "ids.txt")
    done = copy(module, "sqlite", *arguments)
    assert (done.returncode, done.stdout) == (0, "Would copy 1 thread.\n")
    assert done.stderr == "There is no archive: what is copied expires after 1 d.\n"
    assert redis_client.keys("*") == []


@pytest.mark.parametrize(
    ("name", "arguments", "code", "sentence"),
    [
        ("sqlite", ("--archived-only",), 2, "the saver that is copied to has no archive"),
        ("broken", (), 1, "broken cannot be opened: OSError: postgresql://…host/db is away"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(module, redis_url, name, arguments, code, sentence):
    done = copy(module, name, "--redis", redis_url, *arguments)
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr


def test_a_copy_that_was_ended_goes_on_where_it_was(module, redis_url, redis_client):
    with SqliteSaver.from_conn_string(ENVIRONMENT["SOURCE_PATH"]) as source:
        source.conn.execute("PRAGMA synchronous = OFF")
        source.delete_thread("1")
        fill(source)
        command = partial(copy, module, "sqlite", "--redis", redis_url)
        end_it_twice_and_go_on(command, redis_client)
        with DualStoreSaver.from_conn_string(redis_url) as target:
            for name in range(COUNT):
                config = config_of(str(name), None)
                assert_same(list(target.list(config)), list(source.list(config)))
