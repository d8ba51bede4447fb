"""`export_thread`: all that there is of a thread, as lines of JSON."""

import json
from dataclasses import replace

import pytest
from cold_archives import opened as opened_archive
from graph_runner import thread
from graphs import chat_graph, says
from langchain_core.messages import AIMessage, HumanMessage
from memory_archive import MemoryArchive
from raw_checkpoints import put

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.errors import ConfigurationError


@pytest.fixture
def archive(postgres_dsn):
    with opened_archive(postgres_dsn) as archive:
        yield archive


def lines_of(saver, thread_id="t"):
    """The objects of an export, by either API, once they have been seen to be lines."""
    if hasattr(saver, "saver"):

        async def read():
            return [line async for line in saver.saver.aexport_thread(thread_id)]

        lines = saver.loop.run(read())
    else:
        lines = list(saver.export_thread(thread_id))
    assert not any("\n" in line for line in lines)
    return [json.loads(line) for line in lines]


def said(exported):
    return [
        f"-{line['message']['content']}" if line["removed_at"] else line["message"]["content"]
        for line in exported
        if line["kind"] == "message"
    ]


def test_a_thread_that_is_nowhere_has_no_lines(open_saver, archive):
    with open_saver() as saver:
        assert lines_of(saver) == []
    with open_saver(archive=archive) as saver:
        assert lines_of(saver) == []


def test_hot_both_and_cold_threads_read_the_same(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        graph = chat_graph(getattr(saver, "saver", saver))
        for text in ("one", "two"):
            graph.invoke(says(text), thread("t", user_id="ann"))
        hot = lines_of(saver)
        saver.archive_thread("t")
        both = lines_of(saver)
        redis_client.flushdb()
        cold = lines_of(saver)
        assert not redis_client.keys("*")
        for exported, where in ((hot, "hot"), (both, "both"), (cold, "cold")):
            assert [line["kind"] for line in exported] == ["session", *["message"] * 4, "state"]
            session = exported[0]
            assert (session["thread_id"], session["user_id"], session["where"]) == (
                *("t", "ann"),
                where,
            )
            assert (session["turn_count"], session["message_count"]) == (2, 4)
            assert said(exported) == ["one", "1: one", "two", "2: two"]
            assert [line["turn"] for line in exported[1:5]] == [1, 1, 2, 2]
            assert [line["position"] for line in exported[1:5]] == [0, 1, 2, 3]
            assert exported[1] == hot[1]
            assert exported[-1]["document"]["messages"][3]["content"] == "2: two"
        assert cold[0]["attributes"]["user_id"] == "ann"


def test_what_was_removed_edited_and_added_since_is_told(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False, keep_last=1) as saver:
        plain = getattr(saver, "saver", saver)
        one, two = HumanMessage("one", id="1"), AIMessage("two", id="2")
        first = put(plain, 1, {"messages": [one, two]}, thread_id="t")
        assert said(lines_of(saver)) == ["one", "two"]
        saver.archive_thread("t")
        edited, three = AIMessage("TWO", id="2"), HumanMessage("three", id="3")
        put(plain, 2, {"messages": [edited, three]}, parent=first, thread_id="t")
        lagging = lines_of(saver)
        assert said(lagging) == ["-one", "TWO", "three"]
        assert [line["position"] for line in lagging[1:4]] == [0, 1, 2]
        assert [line["turn"] for line in lagging[1:4]] == [1, 1, 2]
        saver.archive_thread("t")
        assert said(lines_of(saver)) == said(lagging)
        redis_client.flushdb()
        assert said(lines_of(saver)) == said(lagging)


def test_a_transcript_that_was_kept_when_the_thread_was_deleted(open_saver, archive):
    with open_saver(archive=archive, run_archiver=False, delete_scope="hot") as saver:
        chat_graph(getattr(saver, "saver", saver)).invoke(says("one"), thread("t"))
        saver.archive_thread("t")
        saver.delete_thread("t")
        exported = lines_of(saver)
        assert [line["kind"] for line in exported] == ["session", "message", "message"]
        assert exported[0]["deleted_at"]
        saver.erase_thread("t")
        assert lines_of(saver) == []


def test_with_an_archive_that_cannot_be_searched_it_is_what_the_state_holds(
    open_saver, redis_client
):
    with open_saver(archive=MemoryArchive(), run_archiver=False) as saver:
        chat_graph(getattr(saver, "saver", saver)).invoke(says("one"), thread("t"))
        assert said(lines_of(saver)) == ["one", "1: one"]
        saver.archive_thread("t")
        redis_client.flushdb()
        exported = lines_of(saver)
        assert [line["kind"] for line in exported] == ["session", "state"]
        assert len(exported[-1]["document"]["messages"]) == 2


def test_messages_are_redacted_as_they_are_in_the_archive(redis_url, archive, redis_client):
    def redact(row):
        return None if "drop" in row.content else replace(row, content=row.content.upper())

    with DualStoreSaver.from_conn_string(
        redis_url, archive=archive, run_archiver=False, redact=redact
    ) as saver:
        blocks = [{"type": "text", "text": "blocks"}]
        messages = [HumanMessage("one"), HumanMessage("drop"), HumanMessage(blocks)]
        put(saver, 1, {"messages": messages}, thread_id="t")
        assert said(lines_of(saver)) == ["ONE", "BLOCKS"]
        saver.archive_thread("t")
        assert said(lines_of(saver)) == ["ONE", "BLOCKS"]


def test_any_message_can_be_told(open_saver, archive):
    with open_saver(archive=archive, run_archiver=False) as saver:
        odd = [
            HumanMessage("nul \x00 🎉", id="1"),
            AIMessage("", id="2", tool_calls=[{"name": "f", "args": {"a": [1]}, "id": "c"}]),
            {"role": "user", "content": "a dict", "timestamp": "2024-01-01T00:00:00"},
            HumanMessage([{"type": "image", "data": b"\x00"}], id="3"),
        ]
        put(getattr(saver, "saver", saver), 1, {"messages": odd}, thread_id="t")
        before = lines_of(saver)
        assert said(before)[0] == "nul \x00 🎉"
        assert before[2]["message"]["tool_calls"][0]["args"] == {"a": [1]}
        assert before[4]["message"]["content"] == [{"type": "image", "data": "AA=="}]
        saver.archive_thread("t")
        assert lines_of(saver)[1:5] == before[1:5]


def test_nothing_is_read_before_the_first_line(saver):
    exported = saver.export_thread("t")
    put(saver, 1, {"messages": [HumanMessage("late")]}, thread_id="t")
    assert len(list(exported)) == 3


def test_bad_input_is_refused(saver):
    with pytest.raises(ConfigurationError, match="thread_id"):
        list(saver.export_thread(None))
