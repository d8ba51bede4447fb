"""What is written of a message and of its session, and what the user has a say in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from memory_archive import MemoryArchive
from transcripts import CONFIG, Plain, assert_transcript, chat, graph_of, human, say, update

from langgraph_dualstore import DualStoreSaver


@pytest.fixture
def archive():
    return MemoryArchive()


@pytest.fixture
def open_archiving(redis_url, archive):
    opened = []

    def open_archiving(**options):
        options.setdefault("archive_on", "manual")
        opened.append(DualStoreSaver.from_conn_string(redis_url, archive=archive, **options))
        return opened[-1]

    yield open_archiving
    for saver in opened:
        saver.close()


def encrypting():
    return EncryptedSerializer.from_pycryptodome_aes(key=b"0123456789abcdef")


def rows(archive):
    return list(archive.threads["thread"].messages.values())


def talk(saver, *texts, config=CONFIG):
    graph = chat(saver)
    say(graph, *(texts or "ab"), config=config)
    assert saver.archive_thread("thread") == "archived"
    return graph


# --- encryption ---


@pytest.mark.parametrize("options", [{}, {"transcript": False}], ids=str)
def test_under_encryption_nothing_readable_is_archived_unless_asked_for(
    open_archiving, archive, options, redis_client
):
    graph = talk(open_archiving(serde=encrypting(), **options), "swordfish", "b")
    kept = archive.threads["thread"]
    assert not kept.messages
    assert "swordfish" not in repr(kept)
    redis_client.flushdb()
    assert len(graph.get_state(CONFIG).values["messages"]) == 4


def test_a_transcript_can_be_turned_off(open_archiving, archive):
    talk(open_archiving(transcript=False))
    assert not archive.threads["thread"].messages
    assert archive.status("thread") == "finished"


@pytest.mark.parametrize("keep_last", [None, 1])
def test_a_transcript_that_is_asked_for_is_whole_under_encryption(
    open_archiving, archive, keep_last
):
    saver = open_archiving(serde=encrypting(), transcript=True, keep_last=keep_last)
    graph = talk(saver)
    assert_transcript(archive, graph, "a", "re a", "b", "re b")
    say(graph, "c")
    update(graph, RemoveMessage(id="a"), AIMessage("edited", id="re b"))
    say(graph, "d")
    saver.archive_thread("thread")
    assert_transcript(archive, graph, "a", "re a", "b", "edited", "c", "re c", "d", "re d")


# --- redact ---


def test_redacted_rows_are_written_instead(open_archiving, archive):
    def redact(row):
        return replace(row, content=row.content.replace("secret", "***"))

    talk(open_archiving(redact=redact), "a secret", "b")
    assert archive.contents("thread") == ["a ***", "re a ***", "b", "re b"]


def test_what_else_a_row_holds_may_be_changed_in_place(open_archiving, archive):
    def redact(row):
        row.meta["ward"] = "B"
        return row

    talk(open_archiving(redact=redact), "a", "b")
    rows = archive.threads["thread"].messages.values()
    assert [row.meta["ward"] for row in rows] == ["B"] * 4


def test_a_row_that_is_redacted_away_is_not_written(open_archiving, archive):
    saver = open_archiving(redact=lambda row: None if "secret" in row.content else row)
    graph = talk(saver, "a secret", "b")
    assert archive.contents("thread") == ["b", "re b"]
    update(graph, RemoveMessage(id="b"), HumanMessage("c", id="a secret"))
    saver.archive_thread("thread")
    assert sorted(archive.contents("thread")) == ["b", "c", "re b"]
    assert sorted(archive.present("thread")) == ["c", "re b"]


def test_a_redaction_that_fails_is_the_threads_fault(open_archiving, archive):
    def redact(row):
        if row.content == "bad":
            raise ValueError("cannot be redacted")
        return row

    saver = open_archiving(
        redact=redact,
        archive_on="finish",
        archive_attempts=2,
        archive_delay=timedelta(0),
        run_archiver=False,
    )
    graph = chat(saver)
    for thread_id in ("good", "bad"):
        say(graph, thread_id, config={"configurable": {"thread_id": thread_id}})
    assert saver.flush()
    assert set(archive.threads) == {"good"}
    (letter,) = saver.backlog().dead
    assert letter.thread_id == "bad"
    assert "cannot be redacted" in letter.error


# --- tokens ---


def test_tokens_are_those_of_the_usage_else_those_counted_else_unknown(open_archiving, archive):
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    with_usage = AIMessage("re", id="re", usage_metadata=usage)
    for options, expected in (({}, None), ({"count_tokens": lambda message: 3}, 3)):
        saver = open_archiving(**options)
        saver.delete_thread("thread")
        say(graph_of(saver, lambda state: {"messages": [with_usage]}), "a")
        saver.archive_thread("thread")
        asked, answered = rows(archive)
        assert asked.token_count == expected
        assert answered.token_count not in (None, 3)


# --- times ---


def test_a_message_has_the_time_of_the_first_checkpoint_that_holds_it(open_archiving, archive):
    """Also if it has no id, or is edited; unless it says a time itself."""
    saver = open_archiving()
    graph = graph_of(saver, lambda state: {"messages": [AIMessage("yes")]}, Plain)
    own = HumanMessage("its own", timestamp="2020-02-02T02:02:02+00:00")
    for message in (HumanMessage("a"), own, HumanMessage("b")):
        graph.invoke({"messages": [message]}, CONFIG)
    saver.archive_thread("thread")
    expected = {}
    for state in reversed(list(graph.get_state_history(CONFIG))):
        for at, _ in enumerate(state.values.get("messages", [])):
            expected.setdefault(at, datetime.fromisoformat(state.created_at))
    expected[2] = datetime(2020, 2, 2, 2, 2, 2, tzinfo=UTC)
    assert [row.created_at for row in rows(archive)] == list(expected.values())


@pytest.mark.parametrize("between", [False, True], ids=["archived once", "archived between"])
def test_an_edited_message_keeps_its_time_within_an_archive(open_archiving, archive, between):
    saver = open_archiving()
    graph = chat(saver)
    say(graph, "a")
    written = datetime.fromisoformat(graph.get_state(CONFIG).created_at)
    if between:
        saver.archive_thread("thread")
    update(graph, AIMessage("edited", id="re a"))
    saver.archive_thread("thread")
    told = [row for thread in archive.archives for row in thread.messages if row.key == "re a"]
    assert [row.content for row in told] == ["re a", "edited"]
    assert between or {row.created_at for row in told} == {written}


# --- what an archive costs ---


def test_only_what_is_new_is_handed_over(open_archiving, archive):
    saver = open_archiving()
    graph = chat(saver)
    for turn in range(20):
        say(graph, f"{turn}")
        saver.archive_thread("thread")
    assert archive.archives[0].whole_log
    assert [len(archived.messages) for archived in archive.archives] == [2] * 20
    assert not any(archived.whole_log for archived in archive.archives[1:])
    assert not any(archived.present for archived in archive.archives)
    size = [sum(len(piece) for _, piece in a.entries.log) for a in archive.archives]
    assert max(size[1:]) < 2 * size[0]


def test_no_message_is_handed_over_twice_in_one_archive_because_it_has_no_id(
    open_archiving, archive
):
    saver = open_archiving()
    graph = graph_of(saver, lambda state: {"messages": [AIMessage("yes")]}, Plain)
    for turn in range(20):
        graph.invoke({"messages": [HumanMessage(f"{turn}")]}, CONFIG)
    saver.archive_thread("thread")
    assert [len(archived.messages) for archived in archive.archives] == [40]


# --- the session ---


def test_a_session_has_the_user_and_the_metadata_of_its_config(open_archiving, archive):
    config: Any = {
        "configurable": {"thread_id": "thread", "user_id": "ann", "exam_id": 7},
        "metadata": {"tier": "gold"},
    }
    talk(open_archiving(), config=config)
    session = archive.threads["thread"].session
    assert session.user_id == "ann"
    expected = {"exam_id": 7, "tier": "gold"}
    assert {name: session.attributes.get(name) for name in expected} == expected
    assert not session.attributes.keys() & {"source", "step", "parents", "writes"}


def test_a_users_id_is_a_text(open_archiving, archive):
    talk(open_archiving(), config={"configurable": {"thread_id": "thread", "user_id": 17}})
    assert archive.threads["thread"].session.user_id == "17"


def test_chosen_channels_are_attributes_of_the_session(open_archiving, archive):
    class Exam(TypedDict, total=False):
        exam_id: int
        spec: Any
        started: datetime
        large: list[str]
        private: str

    saver = open_archiving(attribute_channels=["exam_id", "spec", "started", "large", "absent"])
    graph = graph_of(saver, lambda state: {"exam_id": state["exam_id"] + 1}, Exam)
    given = {
        "exam_id": 6,
        "spec": {"levels": [1, None]},
        "started": datetime(2024, 5, 1, tzinfo=UTC),
        "large": ["x" * 100] * 20,
        "private": "p",
    }
    for exam_id in (6, 8):
        graph.invoke({**given, "exam_id": exam_id}, CONFIG)
        saver.archive_thread("thread")
        attributes = archive.threads["thread"].session.attributes
        assert attributes["exam_id"] == exam_id + 1
        assert attributes["spec"] == {"levels": [1, None]}
        assert attributes["started"].startswith("2024-05-01T00:00:00")
        assert attributes["large"] == given["large"]
        assert not attributes.keys() & {"private", "absent"}


def test_a_session_says_when_it_began_and_when_something_happened_last(open_archiving, archive):
    saver = open_archiving()
    before = datetime.now(UTC)
    graph = talk(saver, "a", "b")
    session = archive.threads["thread"].session
    history = [datetime.fromisoformat(s.created_at) for s in graph.get_state_history(CONFIG)]
    assert before <= session.started_at <= session.last_activity_at <= datetime.now(UTC)
    assert session.last_activity_at == max(history)
    graph.update_state(CONFIG, {"messages": [human("c")]}, as_node="node")
    saver.archive_thread("thread")
    assert archive.threads["thread"].session.last_activity_at > max(history)
