"""Logs of turns: in Redis as long as the thread, in `prompt_turns.log` for good."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from cold_archives import opened as opened_archive
from cold_archives import query
from graph_runner import thread
from graphs import chat_graph, says
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from memory_archive import MemoryArchive

from langgraph_dualstore.errors import ConfigurationError, UnserializableState

LOG = {
    "turn_number": 1,
    "user_prompt_summary": "asks for tea",
    "prompt_evaluation_details": {
        "intent": "order",
        "score": 0.75,
        "rubrics": [{"name": "clear", "met": True}],
        "final_reasoning": "it is clear 🎉",
    },
    "llm_answer_summary": None,
    "timestamp": "2024-01-01T00:00:00",
}


@pytest.fixture
def archive(postgres_dsn):
    with opened_archive(postgres_dsn) as archive:
        yield archive


def talk(saver, *texts, thread_id="t"):
    graph = chat_graph(getattr(saver, "saver", saver))
    for text in texts:
        graph.invoke(says(text), thread(thread_id))
    return graph


def logged(dsn):
    return query(dsn, "SELECT turn, log, start_position FROM prompt_turns ORDER BY turn")


def test_a_log_comes_back_and_may_be_replaced(open_saver):
    with open_saver() as saver:
        talk(saver, "one")
        assert saver.turn_logs("t") == {}
        assert saver.log_turn("t", 1, LOG)
        assert saver.turn_log("t", 1) == LOG
        assert saver.turn_log("t", 2) is None
        for turn, log in ((10, [1]), (2, "text"), (0, None), (1, {"new": 1})):
            assert saver.log_turn("t", turn, log)
        assert str(saver.turn_logs("t")) == "{0: None, 1: {'new': 1}, 2: 'text', 10: [1]}"


def test_a_thread_that_is_nowhere_has_no_logs(open_saver, archive, redis_client):
    with open_saver() as saver:
        assert saver.log_turn("t", 1, LOG) is False
        assert saver.turn_logs("t") == {}
    with open_saver(archive=archive, run_archiver=False) as saver:
        assert saver.log_turn("t", 1, LOG) is False
        assert saver.turn_logs("t") == {}
        assert not redis_client.keys("langgraph:state:{t}*")


def test_logs_live_as_long_as_the_thread_and_go_with_it(open_saver, redis_client):
    with open_saver(ttl=100) as saver:
        talk(saver, "one")
        for key in redis_client.keys("langgraph:state:{t}*"):
            redis_client.pexpire(key, 50_000)
        keys = sorted(redis_client.keys())
        saver.log_turn("t", 1, LOG)
        assert sorted(redis_client.keys()) == keys
        left = [redis_client.pttl(key) for key in redis_client.keys("langgraph:state:{t}*")]
        assert min(left) > 90_000
        assert max(left) - min(left) < 5
        saver.delete_thread("t")
        assert saver.turn_logs("t") == {}
        talk(saver, "one")
        assert saver.turn_logs("t") == {}


def test_a_log_does_not_disturb_the_graph(open_saver):
    with open_saver(keep_last=2) as saver:
        graph = talk(saver, "one")
        for n in range(5):
            saver.log_turn("t", n, LOG)
            graph.invoke(says(f"turn {n}"), thread("t"))
        assert len(graph.get_state(thread("t")).values["messages"]) == 12
        saver.prune(["t"])
        assert sorted(saver.turn_logs("t")) == [0, 1, 2, 3, 4]


def test_logs_are_mirrored_and_read_from_either_tier(
    open_saver, archive, postgres_dsn, redis_client
):
    with open_saver(archive=archive, run_archiver=False) as saver:
        graph = talk(saver, "one", "two")
        saver.log_turn("t", 1, LOG)
        assert saver.archive_thread("t") == "archived"
        assert logged(postgres_dsn) == [(1, LOG, 0), (2, None, 2)]
        assert saver.log_turn("t", 2, {"second": True})
        assert saver.log_turn("t", 7, {"no": "messages"})
        assert not saver.thread("t").up_to_date
        assert saver.backlog().queued == 1
        assert saver.archive_thread("t") == "archived"
        both = {1: LOG, 2: {"second": True}, 7: {"no": "messages"}}
        assert logged(postgres_dsn)[1:] == [(2, {"second": True}, 2), (7, {"no": "messages"}, None)]
        assert saver.turn_logs("t") == both
        redis_client.flushdb()
        assert saver.turn_logs("t") == both
        assert not redis_client.keys("*")
        assert len(graph.get_state(thread("t")).values["messages"]) == 4
        assert saver.turn_logs("t") == both
        assert saver.log_turn("t", 1, {"later": 1})
        assert saver.turn_logs("t") == both | {1: {"later": 1}}
        assert saver.archive_thread("t") == "archived"
        assert logged(postgres_dsn)[0] == (1, {"later": 1}, 0)
        redis_client.flushdb()
        assert saver.log_turn("t", 3, {"cold": 1})
        assert sorted(saver.turn_logs("t")) == [1, 2, 3, 7]
        exported = getattr(saver, "saver", saver).export_thread("t")
        assert sum('"kind": "turn_log"' in line for line in exported) == 4


def test_only_logs_that_are_new_are_sent(open_saver):
    archive = MemoryArchive()
    with open_saver(archive=archive, run_archiver=False) as saver:
        graph = talk(saver, "one")
        for turn, text in ((1, "a"), (2, "b")):
            saver.log_turn("t", turn, text)
            graph.invoke(says(text), thread("t"))
            saver.archive_thread("t")
        saver.log_turn("t", 1, "c")
        saver.archive_thread("t")
        graph.invoke(says("more"), thread("t"))
        saver.archive_thread("t")
        assert [sent.turn_logs for sent in archive.archives] == [{1: "a"}, {2: "b"}, {1: "c"}, {}]
        # One that has lost what it had is sent everything.
        archive.threads.clear()
        saver.log_turn("t", 5, "d")
        saver.archive_thread("t")
        assert archive.archives[-1].turn_logs == {1: "c", 2: "b", 5: "d"}


def test_the_archiver_does_it_by_itself(open_saver, archive, postgres_dsn):
    with open_saver(archive=archive) as saver:
        talk(saver, "one")
        assert saver.flush()
        saver.log_turn("t", 1, LOG)
        talk(saver, "two")
        assert saver.flush()
        assert logged(postgres_dsn)[0][1] == LOG


def test_a_log_that_is_written_while_the_thread_is_archived_is_archived_next(redis_url, open_saver):
    archive = MemoryArchive()
    with open_saver(archive=archive, run_archiver=False) as saver:
        talk(saver, "one")
        plain = getattr(saver, "saver", saver)
        archive.fault = lambda method: method == "archive" and plain.log_turn("t", 1, "late")
        assert plain.archive_thread("t") == "changed"
        archive.fault = lambda _: None
        assert plain.archive_thread("t") == "archived"
        assert archive.archives[-1].turn_logs == {1: "late"}


def test_a_copy_has_the_logs_too(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        talk(saver, "one")
        saver.log_turn("t", 1, LOG)
        saver.archive_thread("t")
        redis_client.flushdb()
        saver.log_turn("t", 2, "hot")
        talk(saver, "one", thread_id="copy")
        saver.log_turn("copy", 3, "its own")
        saver.copy_thread("t", "copy")
        assert saver.turn_logs("copy") == {1: LOG, 2: "hot", 3: "its own"}
        saver.archive_thread("copy")
        redis_client.flushdb()
        assert saver.turn_logs("copy") == {1: LOG, 2: "hot", 3: "its own"}


def test_erasing_and_purging_take_the_logs(open_saver, archive, postgres_dsn):
    with open_saver(archive=archive, run_archiver=False) as saver:
        for name in ("a", "b"):
            talk(saver, "one", thread_id=name)
            saver.log_turn(name, 1, LOG)
            saver.log_turn(name, 9, LOG)
            saver.archive_thread(name)
        assert saver.erase_thread("a").turns == 2
        assert saver.turn_logs("a") == {}
        assert saver.purge(timedelta(microseconds=1)).removed.turns == 2
        assert logged(postgres_dsn) == []


def test_with_an_encrypting_serializer_no_tier_holds_plain_text(
    open_saver, archive, postgres_dsn, redis_client
):
    serde = EncryptedSerializer.from_pycryptodome_aes(key=b"0" * 32)
    with open_saver(archive=archive, run_archiver=False, serde=serde) as saver:
        talk(saver, "one")
        saver.log_turn("t", 1, {"secret": "tea"})
        saver.log_turn("t", 2, {"$stored": "mine"})
        assert "secret" not in str(redis_client.hgetall("langgraph:state:{t}:head"))
        saver.archive_thread("t")
        assert "secret" not in str(logged(postgres_dsn))
        redis_client.flushdb()
        assert saver.turn_logs("t") == {1: {"secret": "tea"}, 2: {"$stored": "mine"}}


def test_what_json_changes_is_changed_at_once(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        talk(saver, "one")
        given = {"when": datetime(2024, 1, 1, tzinfo=UTC), "pair": (1, 2), "$stored": "mine"}
        saver.log_turn("t", 1, given)
        saver.log_turn("t", 2, {"$stored": "mine"})
        told = {"when": "2024-01-01T00:00:00+00:00", "pair": [1, 2], "$stored": "mine"}
        assert saver.turn_log("t", 1) == told
        saver.archive_thread("t")
        redis_client.flushdb()
        assert saver.turn_logs("t") == {1: told, 2: {"$stored": "mine"}}


@pytest.mark.parametrize("turn", [-1, True, None, "1", 1.0, 1 << 31])
def test_what_is_no_turn_is_refused(open_saver, turn):
    with open_saver() as saver, pytest.raises(ConfigurationError, match="turn"):
        saver.log_turn("t", turn, {})


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"a": {"b": [1, {2}]}}, r"log\.a\.b\[1\]"),
        ({"a": float("nan")}, r"log\.a"),
        ({"a": {1: "b"}}, r"log\.a"),
        (Decimal(1), "log"),
        (b"bytes", "log"),
    ],
)
def test_what_json_cannot_carry_is_refused_by_name(open_saver, document, field):
    with open_saver() as saver:
        talk(saver, "one")
        with pytest.raises(UnserializableState, match=f"a turn's log cannot be stored: {field} "):
            saver.log_turn("t", 1, document)
        assert saver.turn_logs("t") == {}
