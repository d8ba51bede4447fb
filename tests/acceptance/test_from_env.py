"""Savers that the environment asks for."""

import logging
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from graphs import chat_graph, says
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from memory_archive import MemoryArchive
from servers.process import free_port

from langgraph_dualstore import (
    ConfigurationError,
    DualStoreSaver,
    HotStoreError,
    HotStoreUnavailable,
    Settings,
)
from langgraph_dualstore.cold import PostgresArchive

THREAD = {"configurable": {"thread_id": "thread"}}
DAY = timedelta(hours=24)


@pytest.fixture
def nowhere():
    return f"redis://:s3cret@127.0.0.1:{free_port()}/0"


def talk(saver, text="hello"):
    return chat_graph(saver).invoke(says(text), THREAD)


def ttl_of(saver):
    talk(saver)
    return saver.ttl_of("thread")


def about(expected):
    return pytest.approx(expected.total_seconds(), abs=20)


def parts_of(url, **others):
    split = urlsplit(url)
    return {"REDIS_HOST": split.hostname, "REDIS_PORT": str(split.port), **others}


# --- Redis ---


@pytest.mark.parametrize("name", ["REDIS_URL", "REDIS_URI"])
def test_a_url(redis_url, redis_client, name):
    with DualStoreSaver.from_env(environ={name: redis_url}) as saver:
        talk(saver)
    assert redis_client.exists("langgraph:state:{thread}:head")


def test_the_parts_of_a_url(redis_url, redis_client):
    with DualStoreSaver.from_env(environ=parts_of(redis_url, REDIS_DB="7")) as saver:
        talk(saver)
        saver.delete_thread("thread")
        saver.pin("thread")
    assert redis_client.keys() == [], "another database has it"


def test_the_url_wins_over_the_others(redis_url, nowhere):
    environ = {"REDIS_URL": redis_url, "REDIS_URI": nowhere, "REDIS_HOST": "no-such-host.invalid"}
    with DualStoreSaver.from_env(environ=environ) as saver:
        talk(saver)


def test_a_password_of_any_characters(own_server):
    password = "p:/@?#%ü "
    with own_server.client() as admin:
        admin.config_set("requirepass", password)
    environ = parts_of(own_server.url, REDIS_PASSWORD=password)
    with DualStoreSaver.from_env(environ=environ) as saver:
        talk(saver)


def test_tls(tls_server, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_server.ca_file))
    with DualStoreSaver.from_env(environ=parts_of(tls_server.bare_url, REDIS_SSL="1")) as saver:
        talk(saver)


def test_without_a_variable_it_is_on_this_machine(monkeypatch):
    asked = []
    monkeypatch.setattr(DualStoreSaver, "from_conn_string", lambda *given, **_: asked.append(given))
    DualStoreSaver.from_env(environ={})
    assert asked == [("redis://localhost:6379/0", None)]


def test_the_process_environment_by_default(redis_url, postgres_dsn):
    program = (
        "from langgraph_dualstore import DualStoreSaver\n"
        "with DualStoreSaver.from_env() as saver:\n"
        "    saver.setup()\n"
        "    print(saver.pin('thread'), saver.archive_thread('thread'), saver.settings.ttl)\n"
    )
    environ = {"REDIS_URL": redis_url, "DATABASE_URL": postgres_dsn, "CHECKPOINT_TTL_SECONDS": "60"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout == "False absent 0:01:00\n", done.stderr


def test_no_connection_is_opened_before_it_is_needed(nowhere):
    with DualStoreSaver.from_env(environ={"REDIS_URL": nowhere, "POSTGRES_DSN": "host=nowhere"}):
        pass


# --- the TTL ---


def test_a_day_by_default(redis_url):
    with DualStoreSaver.from_env(environ={"REDIS_URL": redis_url}) as saver:
        assert ttl_of(saver).total_seconds() == about(DAY)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, timedelta(seconds=3600)),
        ({"refresh_on_read": True, "keep_last": 3}, timedelta(seconds=3600)),
        ({"settings": Settings(keep_last=3)}, timedelta(seconds=3600)),
        ({"settings": Settings(ttl=120)}, timedelta(seconds=120)),
        ({"ttl": 300}, timedelta(seconds=300)),
        ({"ttl": DAY}, DAY),
        ({"ttl": 300, "settings": Settings(ttl=120)}, timedelta(seconds=300)),
    ],
)
def test_the_variable_unless_a_ttl_is_given(redis_url, given, expected):
    environ = {"REDIS_URL": redis_url, "CHECKPOINT_TTL_SECONDS": "3600"}
    with DualStoreSaver.from_env(environ=environ, **given) as saver:
        assert ttl_of(saver).total_seconds() == about(expected)


def test_no_expiry_can_be_given(redis_url):
    environ = {"REDIS_URL": redis_url, "CHECKPOINT_TTL_SECONDS": "3600"}
    with DualStoreSaver.from_env(environ=environ, ttl=None) as saver:
        assert ttl_of(saver) is None


# --- the archive ---


@pytest.mark.parametrize("name", ["DATABASE_URL", "POSTGRES_DSN", "POSTGRES_URI", "DATABASE_URI"])
def test_a_dsn(redis_url, postgres_dsn, name):
    environ = {"REDIS_URL": redis_url, name: postgres_dsn}
    with DualStoreSaver.from_env(environ=environ, schema="chats") as saver:
        saver.setup()
        talk(saver)
        assert saver.flush()
    archive = PostgresArchive(postgres_dsn, schema="chats")
    assert len(archive.messages("thread")) == 2
    archive.close()


def test_without_a_dsn_there_is_no_archive(redis_url):
    with (
        DualStoreSaver.from_env(environ={"REDIS_URL": redis_url}) as saver,
        pytest.raises(ConfigurationError, match="no archive"),
    ):
        saver.flush()


def test_an_archive_that_is_given_takes_the_place_of_the_dsn(redis_url):
    archive = MemoryArchive()
    environ = {"REDIS_URL": redis_url, "DATABASE_URL": "mysql://user:s3cret@host/db"}
    with DualStoreSaver.from_env(environ=environ, archive=archive) as saver:
        talk(saver)
        assert saver.flush()
    assert archive.restore("thread") is not None


def test_what_the_development_server_of_langgraph_sets_means_nothing(redis_url):
    environ = {**parts_of(redis_url), "REDIS_URI": "fake", "DATABASE_URI": ":memory:"}
    with DualStoreSaver.from_env(environ=environ) as saver:
        talk(saver)


# --- what else can be given ---


def test_settings_and_the_serializer(redis_url):
    serde = JsonPlusSerializer()
    with DualStoreSaver.from_env(
        environ={"REDIS_URL": redis_url}, serde=serde, prefix="mine", settings=Settings(keep_last=2)
    ) as saver:
        assert saver.serde is serde
        assert (saver.settings.prefix, saver.settings.keep_last) == ("mine", 2)


def test_a_subclass_gives_its_own(redis_url):
    class Mine(DualStoreSaver):
        pass

    with Mine.from_env(environ={"REDIS_URL": redis_url}, fallback="memory") as saver:
        assert type(saver) is Mine


@pytest.mark.parametrize("fallback", [None, "memory"])
async def test_async_with(redis_url, nowhere, fallback):
    async with DualStoreSaver.from_env(
        environ={"REDIS_URL": redis_url}, fallback=fallback
    ) as saver:
        assert isinstance(saver, DualStoreSaver)
        assert await saver.aget_tuple(THREAD) is None


WRONG = {
    "CHECKPOINT_TTL_SECONDS": "s3cret",
    "REDIS_PORT": "s3cret",
    "REDIS_SSL": "s3cret",
    "REDIS_URL": "redis://:123/s3cret@host",
    "DATABASE_URL": "mysql://user:s3cret@host/db",
    "POSTGRES_DSN": "postgress://user:s3cret@host/db",
}


@pytest.mark.parametrize("fallback", [None, "memory"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_variable_is_named_and_not_shown(name, fallback, caplog):
    with pytest.raises(ConfigurationError, match=name) as caught:
        DualStoreSaver.from_env(environ={name: WRONG[name]}, fallback=fallback)
    assert "s3cret" not in str(caught.value)
    assert not caplog.records


@pytest.mark.parametrize("wrong", [{"fallback": "redis"}, {"ttl": -1}, {"no_such_setting": 1}])
def test_a_wrong_option(redis_url, wrong):
    with pytest.raises(ConfigurationError):
        DualStoreSaver.from_env(environ={"REDIS_URL": redis_url}, **wrong)


# --- without Redis ---


def test_without_a_fallback_it_is_an_error_at_use(nowhere):
    with (
        DualStoreSaver.from_env(environ={"REDIS_URL": nowhere}) as saver,
        pytest.raises(HotStoreUnavailable),
    ):
        saver.get_tuple(THREAD)


def test_the_fallback_is_in_memory_with_one_warning(nowhere, caplog, postgres_dsn):
    environ = {"REDIS_URL": nowhere, "DATABASE_URL": postgres_dsn}
    serde = JsonPlusSerializer()
    with (
        caplog.at_level(logging.INFO, "langgraph_dualstore"),
        DualStoreSaver.from_env(environ=environ, fallback="memory", serde=serde) as saver,
    ):
        assert type(saver) is InMemorySaver
        assert saver.serde is serde
        talk(saver)
        assert len(talk(saver, "again")["messages"]) == 4
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.name.startswith("langgraph_dualstore")
    assert "in the memory of this process" in record.getMessage()
    assert "127.0.0.1" in record.getMessage()
    assert "s3cret" not in caplog.text


async def test_the_fallback_of_an_async_application(nowhere):
    async with DualStoreSaver.from_env(environ={"REDIS_URL": nowhere}, fallback="memory") as saver:
        graph = chat_graph(saver)
        await graph.ainvoke(says("hello"), THREAD)
        assert (await saver.aget_tuple(THREAD)) is not None


def test_with_redis_there_is_no_fallback_and_no_warning(redis_url, caplog):
    with DualStoreSaver.from_env(environ={"REDIS_URL": redis_url}, fallback="memory") as saver:
        assert isinstance(saver, DualStoreSaver)
        talk(saver)
    assert not caplog.records


def test_the_archive_is_not_asked_whether_redis_answers(redis_url, monkeypatch):
    monkeypatch.setattr(PostgresArchive, "_run", lambda *_: pytest.fail("it was asked"))
    environ = {"REDIS_URL": redis_url, "DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/db"}
    with DualStoreSaver.from_env(environ=environ, fallback="memory") as saver:
        assert isinstance(saver, DualStoreSaver)


@pytest.mark.parametrize("password", ["wrong s3cret", ""])
def test_a_redis_that_refuses_is_an_error_not_a_fallback(own_server, password, caplog):
    with own_server.client() as admin:
        admin.config_set("requirepass", "right")
    environ = parts_of(own_server.url, REDIS_PASSWORD=password)
    with pytest.raises(HotStoreError) as caught:
        DualStoreSaver.from_env(environ=environ, fallback="memory")
    assert not isinstance(caught.value, HotStoreUnavailable)
    assert "s3cret" not in str(caught.value)
    assert not caplog.records
