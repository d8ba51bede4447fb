"""What somebody moves from one archived thread to another is refused when it is read."""

import json
from datetime import UTC, datetime

import pytest
from cold_archives import opened as opened_archive
from cold_archives import query
from encryption import encrypting
from graph_runner import thread
from graphs import chat_graph, says
from langchain_core.messages import HumanMessage
from memory_archive import MemoryArchive
from raw_checkpoints import config_of, put

from langgraph_dualstore.cold.messages import to_message
from langgraph_dualstore.errors import CorruptRecord
from langgraph_dualstore.serialization import Codecs

ELSEWHERE = "it belongs to another thread"
ID_OF = "(SELECT id FROM prompt_sessions WHERE thread_id = %s)"


@pytest.fixture
def open_archiving(open_saver, postgres_dsn):
    with opened_archive(postgres_dsn) as archive:
        usual = {"archive": archive, "archive_on": "manual", "serde": encrypting()}
        yield lambda **options: open_saver(**usual | options)


def fill(saver, *thread_ids):
    for thread_id in thread_ids:
        graph = chat_graph(getattr(saver, "saver", saver))
        for text in (thread_id, thread_id * 20000):
            graph.invoke(says(text), thread(thread_id))
        saver.log_turn(thread_id, 1, {"said": thread_id})
        assert saver.archive_thread(thread_id) == "archived"


def move(dsn, kinds):
    """Give the second thread the first one's entries of some kinds."""
    query(
        dsn, f"DELETE FROM prompt_entries WHERE session_id = {ID_OF} AND kind = ANY(%s)", "b", kinds
    )
    query(
        dsn,
        f"INSERT INTO prompt_entries SELECT {ID_OF}, kind, position, data FROM prompt_entries"
        f" WHERE session_id = {ID_OF} AND kind = ANY(%s)",
        *("b", "a", kinds),
    )
    if "checkpoint" in kinds:
        query(
            dsn,
            "UPDATE prompt_sessions SET generation = theirs.generation FROM"
            " (SELECT generation FROM prompt_sessions WHERE thread_id = 'a') AS theirs"
            " WHERE thread_id = 'b'",
        )


@pytest.mark.parametrize("transcript", [None, True])
@pytest.mark.parametrize("kinds", [["checkpoint", "write", "log"], ["log"]], ids=str)
def test_entries_of_another_thread_are_refused(
    open_archiving, postgres_dsn, redis_client, transcript, kinds
):
    with open_archiving(transcript=transcript) as saver:
        fill(saver, "a", "b")
        move(postgres_dsn, kinds)
        redis_client.flushdb()
        with pytest.raises(CorruptRecord, match=ELSEWHERE):
            saver.get_tuple(config_of("b"))
        redis_client.flushdb()
        with pytest.raises(CorruptRecord, match=ELSEWHERE):
            saver.copy_thread("b", "c")
        redis_client.flushdb()
        with pytest.raises(CorruptRecord, match=ELSEWHERE):
            saver.state_document("b")
        assert len(saver.get_tuple(config_of("a")).checkpoint["channel_values"]["messages"]) == 4


def test_the_log_of_another_threads_turn_is_refused(open_archiving, postgres_dsn, redis_client):
    with open_archiving() as saver:
        fill(saver, "a", "b")
        query(
            postgres_dsn,
            "UPDATE prompt_turns SET log ="
            f" (SELECT log FROM prompt_turns WHERE turn = 1 AND session_id = {ID_OF})"
            f" WHERE turn = 1 AND session_id = {ID_OF}",
            *("a", "b"),
        )
        redis_client.flushdb()
        with pytest.raises(CorruptRecord, match=ELSEWHERE):
            saver.turn_logs("b")
        assert saver.turn_logs("a") == {1: {"said": "a"}}


def test_a_log_in_plain_text_is_refused_unless_the_archive_may_hold_such(
    open_archiving, postgres_dsn, redis_client
):
    with open_archiving() as saver:
        fill(saver, "a")
        query(postgres_dsn, "UPDATE prompt_turns SET log = '\"planted\"' WHERE turn = 1")
        redis_client.flushdb()
        for ask in (lambda: saver.turn_logs("a"), lambda: saver.copy_thread("a", "b")):
            with pytest.raises(CorruptRecord, match="it is not encrypted"):
                ask()
    with open_archiving(transcript=True) as saver:
        assert saver.turn_logs("a") == {1: "planted"}


# --- the readable transcript, if it is asked for ---


def odd(key):
    """A message with an attribute that only the serializer can carry."""
    return HumanMessage(key, id=key, additional_kwargs={"when": {datetime(2024, 1, 1, tzinfo=UTC)}})


def test_what_json_cannot_carry_is_bound_in_the_transcript_too(open_archiving, redis_client):
    archive = MemoryArchive()
    with open_archiving(transcript=True, archive=archive) as saver:
        for name in "ab":
            put(saver, 1, {"messages": [odd(name)]}, thread_id=name)
            saver.archive_thread(name)
        row = next(iter(archive.threads["b"].messages.values()))
        codecs = Codecs(encrypting())
        assert "+aes+thread" in str(row.meta)
        assert to_message(row, serde=codecs.of("b").serde) == odd("b")
        with pytest.raises(ValueError, match=ELSEWHERE):
            to_message(row, serde=codecs.of("a").serde)


def test_an_export_reads_what_json_cannot_carry(open_archiving):
    with open_archiving(transcript=True) as saver:
        put(saver, 1, {"messages": [odd("b")]}, thread_id="b")
        saver.archive_thread("b")
        lines = map(json.loads, getattr(saver, "saver", saver).export_thread("b"))
        (said,) = (line["message"] for line in lines if line["kind"] == "message")
        assert said["additional_kwargs"] == {"when": ["2024-01-01T00:00:00+00:00"]}


def test_messages_without_ids_are_written_once(open_archiving):
    """They are told by their content, which is another each time it is encrypted."""
    archive = MemoryArchive()
    with open_archiving(transcript=True, archive=archive) as saver:
        config = None
        for n, said in enumerate(["a", "ab", "abb"], 1):
            values = {"messages": [HumanMessage(text) for text in said]}
            config = put(saver, n, values, parent=config)
            saver.archive_thread("thread")
        assert archive.contents("thread") == archive.present("thread") == ["a", "b", "b"]
