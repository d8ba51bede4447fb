"""Which store of conversations the environment asks for, and what only Redis' one does."""

import json
import logging
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry
from servers.process import free_port

from langgraph_dualstore import (
    ConfigurationError,
    CorruptRecord,
    HotStoreError,
    HotStoreUnavailable,
    InMemoryConversationStore,
    RedisConversationStore,
    create_conversation_store,
)
from langgraph_dualstore.environment import (
    flag_from_env,
    postgres_dsn_from_env,
    redis_url_from_env,
    seconds_from_env,
)

STATE = {"active_agent": "billing", "conversation_history": [{"role": "User", "content": "ü"}]}
PASSWORD = "s3:cr/et@?#%[ü "


@pytest.fixture
def store(redis_url):
    with RedisConversationStore.from_conn_string(redis_url) as store:
        yield store


@pytest.fixture
def nowhere():
    return f"redis://:hidden@127.0.0.1:{free_port()}/0"


def parts_of(url, **others):
    split = urlsplit(url)
    return {
        "USE_REDIS_SESSION": "1",
        "REDIS_HOST": split.hostname,
        "REDIS_PORT": str(split.port),
        **others,
    }


# --- what the variables say ---


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, None),
        ({"REDIS_URL": " ", "REDIS_HOST": ""}, None),
        ({"REDIS_HOST": "cache"}, "redis://cache:6379/0"),
        ({"REDIS_PORT": "6380"}, "redis://localhost:6380/0"),
        ({"REDIS_HOST": "cache", "REDIS_PORT": "tcp://10.0.0.1:6390"}, "redis://cache:6390/0"),
        ({"REDIS_HOST": "::1", "REDIS_DB": "3"}, "redis://[::1]:6379/3"),
        ({"REDIS_HOST": "cache", "REDIS_SSL": "Yes"}, "rediss://cache:6379/0"),
        ({"REDIS_HOST": "cache", "REDIS_SSL": "off"}, "redis://cache:6379/0"),
        ({"REDIS_PASSWORD": "a b/@:%"}, "redis://:a%20b%2F%40%3A%25@localhost:6379/0"),
        ({"REDIS_URL": "redis://u:p@one:1/2\n", "REDIS_HOST": "x"}, "redis://u:p@one:1/2"),
        ({"REDIS_URL": "rediss://one", "REDIS_SSL": "never", "REDIS_DB": "x"}, "rediss://one"),
        ({"REDIS_URI": "redis://two", "REDIS_HOST": "x"}, "redis://two"),
        ({"REDIS_URL": "redis://one", "REDIS_URI": "redis://two"}, "redis://one"),
        ({"REDIS_URL": "unix://user:pw@/a@b/redis.sock"}, "unix://user:pw@/a@b/redis.sock"),
    ],
)
def test_the_url_of_redis(environ, url):
    assert redis_url_from_env(environ) == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_PORT", "hidden"),
        ("REDIS_PORT", "0"),
        ("REDIS_PORT", "65536"),
        ("REDIS_PORT", "6379/hidden"),
        ("REDIS_DB", "-1"),
        ("REDIS_DB", "0?password=hidden"),
        ("REDIS_SSL", "hidden"),
        ("REDIS_HOST", "redis://:hidden@cache"),
        ("REDIS_HOST", "hidden@cache"),
        ("REDIS_URL", "redis://:123/hidden@cache:6379/0"),
        ("REDIS_URL", "redis://:123#hidden@cache:6379/0"),
        ("REDIS_URI", "redis://:123?hidden@cache:6379/0"),
    ],
)
def test_a_variable_that_is_wrong_is_named_and_not_shown(name, value):
    with pytest.raises(ConfigurationError, match=name) as raised:
        redis_url_from_env({name: value})
    assert "hidden" not in str(raised.value)


def test_the_dsn_of_postgres():
    names = ["DATABASE_URL", "POSTGRES_DSN", "POSTGRES_URI", "DATABASE_URI"]
    environ = {name: f"postgresql://{name}" for name in names}
    assert postgres_dsn_from_env({}) is None
    for name in names:
        assert postgres_dsn_from_env(environ) == f"postgresql://{name}"
        environ[name] = " "
    assert postgres_dsn_from_env(environ) is None


@pytest.mark.parametrize("text", ["1", "true", "YES", " on "])
def test_yes(text):
    assert flag_from_env({"FLAG": text}, "FLAG") is True


@pytest.mark.parametrize("text", ["0", "False", "no", "OFF"])
def test_no(text):
    assert flag_from_env({"FLAG": text}, "FLAG", default=True) is False


def test_neither_yes_nor_no():
    assert flag_from_env({"FLAG": ""}, "FLAG", default=True) is True
    assert flag_from_env({}, "FLAG") is False
    for text in ("maybe", "2", "y"):
        with pytest.raises(ConfigurationError, match="FLAG must be one of 1, true"):
            flag_from_env({"FLAG": text}, "FLAG")


def test_seconds():
    assert seconds_from_env({"TTL": "3600"}, "TTL") == timedelta(hours=1)
    assert seconds_from_env({"TTL": " 0.5 "}, "TTL") == timedelta(milliseconds=500)
    assert seconds_from_env({"TTL": ""}, "TTL") is None
    assert seconds_from_env({}, "TTL") is None
    for text in ("0", "-1", "nan", "inf", "1h", "1e400", "9" * 400):
        with pytest.raises(ConfigurationError, match="TTL must be a number of seconds"):
            seconds_from_env({"TTL": text}, "TTL")


# --- the store they choose ---


@pytest.mark.parametrize("flag", [{}, {"USE_REDIS_SESSION": "0"}, {"USE_REDIS_SESSION": "off"}])
def test_without_the_flag_sessions_are_in_memory(redis_url, caplog, flag):
    with create_conversation_store({"REDIS_URL": redis_url, **flag}) as store:
        assert isinstance(store, InMemoryConversationStore)
    assert not caplog.records


def test_the_process_environment_is_read_by_default(redis_url, redis_client, monkeypatch):
    monkeypatch.setenv("USE_REDIS_SESSION", "true")
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("SESSION_TTL", "60")
    with create_conversation_store() as store:
        store.save_state("one", STATE)
        assert 55 < redis_client.ttl("session:one") <= 60


def test_the_url_wins_over_the_parts(redis_url, redis_client):
    environ = {"USE_REDIS_SESSION": "on", "REDIS_URL": redis_url, "REDIS_HOST": "no.such.host"}
    with create_conversation_store(environ) as store:
        store.save_state("one", STATE)
    assert redis_client.keys() == [b"session:one"]


def test_the_parts_name_a_server_and_its_database(redis_url, redis_client):
    with create_conversation_store(parts_of(redis_url, REDIS_DB="5")) as store:
        store.save_state("one", STATE)
        assert redis_client.keys() == []
        redis_client.select(5)
        assert redis_client.keys() == [b"session:one"]
        store.delete_state("one")


def test_a_password_may_have_any_characters(own_server):
    with redis.Redis.from_url(own_server.url) as admin:
        admin.config_set("requirepass", PASSWORD)
    environ = parts_of(own_server.url)
    with create_conversation_store({**environ, "REDIS_PASSWORD": PASSWORD}) as store:
        assert isinstance(store, RedisConversationStore)
    with pytest.raises(HotStoreError) as raised:
        create_conversation_store({**environ, "REDIS_PASSWORD": "mistaken"})
    assert "mistaken" not in str(raised.value)
    assert not isinstance(raised.value, HotStoreUnavailable)


def test_the_flag_for_tls_is_honoured(tls_server, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_server.ca_file))
    environ = parts_of(tls_server.bare_url, REDIS_SSL="true")
    with create_conversation_store(environ) as store:
        assert isinstance(store, RedisConversationStore)
        store.save_state("one", STATE)
        assert store.get_state("one") == STATE


def test_without_redis_there_is_one_warning_and_a_store_in_memory(nowhere, caplog):
    environ = {"USE_REDIS_SESSION": "yes", "REDIS_URL": nowhere, "SESSION_TTL": "60"}
    with (
        caplog.at_level(logging.INFO, "langgraph_dualstore"),
        create_conversation_store(environ) as store,
    ):
        assert isinstance(store, InMemoryConversationStore)
        store.save_state("one", STATE)
        assert store.get_state("one") == STATE
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.name.startswith("langgraph_dualstore")
    assert "in the memory of this process" in record.getMessage()
    assert "127.0.0.1" in record.getMessage()
    assert "hidden" not in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"USE_REDIS_SESSION": "redis"},
        {"SESSION_TTL": "an hour"},
        {"REDIS_URL": "http://cache"},
        {"REDIS_URL": "redis://:hidden@cache:hidden/0"},
        {"REDIS_PORT": "hidden"},
    ],
)
def test_a_wrong_variable_is_an_error_not_a_fallback(wrong, caplog):
    with pytest.raises(ConfigurationError) as raised:
        create_conversation_store({"USE_REDIS_SESSION": "1", **wrong})
    assert "hidden" not in str(raised.value)
    assert not caplog.records


# --- what lies in Redis ---


def test_a_session_is_readable_json_with_a_ttl(store, redis_client):
    session = store.create_new_session_id()
    store.save_state(session, STATE)
    raw = redis_client.get(f"session:{session}")
    assert json.loads(raw) == STATE
    assert "ü".encode() in raw
    assert 3590 < redis_client.ttl(f"session:{session}") <= 3600


def test_a_session_that_another_program_wrote_is_read(store, redis_client):
    redis_client.set("session:one", json.dumps(STATE))
    assert store.get_state("one") == STATE
    assert store.extend_ttl("one")
    assert redis_client.ttl("session:one") == -1
    store.save_state("one", STATE)
    assert 3590 < redis_client.ttl("session:one") <= 3600


def test_hostile_ids_reach_no_other_key(store, redis_client):
    others = {b"other": b"1", b"sessions": b"2", b"session:": b"3", b"session": b"4"}
    for key, value in others.items():
        redis_client.set(key, value)
    hostile = ["../other", "\x7f", "\0", " ", "*", "{other}", "\r\nDEL other\r\n", "\ud800"]
    for session in hostile:
        assert store.get_state(session) is None
        store.save_state(session, STATE)
    assert sorted(store.get_all_session_ids()) == sorted(hostile)
    keys = set(redis_client.keys()) - set(others)
    assert len(keys) == len(hostile)
    assert all(key.startswith(b"session:") and key.isascii() for key in keys)
    for session in hostile:
        assert store.delete_state(session)
    assert {key: redis_client.get(key) for key in set(redis_client.keys())} == others


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b"\x80\x04]"])
def test_what_is_no_state_is_said_to_be_none(store, redis_client, raw):
    redis_client.set("session:one", raw)
    with pytest.raises(CorruptRecord, match="'one'"):
        store.get_state("one")
    store.save_state("one", STATE)
    assert store.get_state("one") == STATE


def test_a_key_of_another_type_is_an_error_of_the_store(store, redis_client):
    redis_client.lpush("session:one", "element")
    with pytest.raises(HotStoreError, match="WRONGTYPE"):
        store.get_state("one")


def test_keys_that_no_session_has_are_not_listed(store, redis_client):
    for name in (b"", b"%41", b"%ff", b"\xff\0", "ü".encode(), b"{a}", b"100%"):
        redis_client.set(b"session:" + name, b"{}")
    store.save_state("one", STATE)
    assert store.get_all_session_ids() == ["one"]


def test_ten_thousand_sessions_are_listed_by_scanning(store, redis_client):
    sessions = {store.create_new_session_id() for _ in range(10_000)}
    pipeline = redis_client.pipeline(transaction=False)
    for session in sessions:
        pipeline.set(f"session:{session}", b"{}", ex=60)
        pipeline.set(f"unrelated:{session}", b"{}")
    pipeline.execute()
    redis_client.config_resetstat()
    found = store.get_all_session_ids()
    commands = redis_client.info("commandstats")
    assert len(found) == len(sessions)
    assert set(found) == sessions
    assert commands["cmdstat_scan"]["calls"] >= 10
    assert "cmdstat_keys" not in commands


def test_two_processes_share_a_session(store, redis_url):
    session = store.create_new_session_id()
    store.save_state(session, STATE)
    program = (
        "import sys\n"
        "from langgraph_dualstore import create_conversation_store\n"
        "store = create_conversation_store()\n"
        "[session] = store.get_all_session_ids()\n"
        "state = store.get_state(session)\n"
        "state['conversation_history'].append({'role': 'Agent', 'content': sys.argv[1]})\n"
        "store.save_state(session, state)\n"
    )
    environ = {"USE_REDIS_SESSION": "1", "REDIS_URL": redis_url}
    subprocess.run([sys.executable, "-c", program, "Grüß Gott"], env=environ, check=True)
    history = store.get_state(session)["conversation_history"]
    assert history == [*STATE["conversation_history"], {"role": "Agent", "content": "Grüß Gott"}]


def test_a_server_that_goes_away_is_an_error_that_may_pass(own_server):
    with redis.Redis.from_url(own_server.url, retry=Retry(NoBackoff(), 0)) as client:
        store = RedisConversationStore(client)
        store.save_state("one", STATE)
        own_server.kill()
        with pytest.raises(HotStoreUnavailable) as raised:
            store.get_state("one")
        assert isinstance(raised.value.__cause__, redis.RedisError)


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 3}])
async def test_given_clients_stay_open_whatever_they_decode(redis_url, options):
    with redis.Redis.from_url(redis_url, **options) as client:
        asynchronous = redis.asyncio.Redis.from_url(redis_url, **options)
        async with RedisConversationStore(client, asynchronous) as store:
            store.save_state("\ud800ü", STATE)
            assert await store.aget_state("\ud800ü") == STATE
            assert store.get_all_session_ids() == await store.aget_all_session_ids() == ["\ud800ü"]
        assert client.ping()
        assert await asynchronous.ping()
        await asynchronous.aclose()


def test_a_cluster_lists_the_sessions_of_all_its_nodes(redis_cluster):
    with redis.RedisCluster.from_url(redis_cluster.url) as client:
        store = RedisConversationStore(client)
        for number in range(50):
            store.save_state(f"{number}", {"number": number})
        assert sorted(store.get_all_session_ids(), key=int) == [f"{n}" for n in range(50)]
        assert store.get_state("7") == {"number": 7}
        assert store.extend_ttl("7", 7200)
        assert store.delete_state("7")


@pytest.mark.parametrize("client", ["redis://localhost", None, redis.Redis, 5])
def test_what_is_no_client_is_refused(client):
    with pytest.raises(ConfigurationError, match=r"RedisConversationStore\.from_conn_string"):
        RedisConversationStore(client)


def test_a_wrong_url_is_not_shown():
    with pytest.raises(ConfigurationError, match="Redis URL is not valid") as raised:
        RedisConversationStore.from_conn_string("redis://:hidden@host:hidden")
    assert "hidden" not in str(raised.value)
