"""The transcript is whole whatever else happens to a thread between two archives."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from memory_archive import MemoryArchive
from transcripts import (
    CONFIG,
    Plain,
    Trimmed,
    assert_transcript,
    chat,
    graph_of,
    human,
    say,
    texts_in,
    update,
)

from langgraph_dualstore import DualStoreSaver

ON_DEMAND: dict[str, Any] = {"archive_on": "manual"}


@pytest.fixture
def archive():
    return MemoryArchive()


@pytest.fixture
def saver(redis_url, archive):
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, **ON_DEMAND) as opened:
        yield opened


@pytest.fixture
def plain(redis_url):
    """A saver on the same Redis that knows of no archive."""
    with DualStoreSaver.from_conn_string(redis_url) as opened:
        yield opened


def archived(saver, thread_id="thread"):
    assert saver.archive_thread(thread_id) == "archived"


# --- branches ---


def test_an_answer_that_was_regenerated_is_there_in_both_versions(saver, archive):
    answers = iter(["first", "b", "second", "c"])
    graph = graph_of(saver, lambda state: {"messages": [AIMessage(a := next(answers), id=a)]})
    say(graph, "A", "B")
    archived(saver)
    before_answer = next(
        state.config
        for state in graph.get_state_history(CONFIG)
        if state.next == ("node",) and len(state.values["messages"]) == 1
    )
    graph.invoke(None, before_answer)
    archived(saver)
    assert_transcript(archive, graph, "A", "first", "B", "b", "second")
    say(graph, "C")
    archived(saver)
    assert texts_in(graph) == ["A", "second", "C", "c"]
    assert_transcript(archive, graph, "A", "first", "B", "b", "second", "C", "c")


@pytest.mark.parametrize("between", [False, True], ids=["archived once", "archived between"])
def test_every_branch_of_a_thread_is_in_the_transcript(saver, archive, between):
    graph = chat(saver)
    say(graph, "root")
    fork = graph.get_state(CONFIG).config
    for branch in ("left", "right"):
        say(graph, branch, config=fork)
        if between:
            archived(saver)
    archived(saver)
    assert_transcript(archive, graph, "root", "re root", "left", "re left", "right", "re right")


@pytest.mark.parametrize("between", [False, True], ids=["archived once", "archived between"])
def test_a_message_is_what_it_was_before_it_was_edited_if_the_thread_goes_on_from_there(
    saver, archive, between
):
    graph = chat(saver)
    say(graph, "a")
    fork = graph.get_state(CONFIG).config
    archived(saver)
    update(graph, AIMessage("edited", id="re a"))
    if between:
        archived(saver)
        assert archive.contents("thread") == ["a", "edited"]
    say(graph, "b", config=fork)
    archived(saver)
    assert_transcript(archive, graph, "a", "re a", "b", "re b")


# --- what is dropped from Redis ---


@pytest.mark.parametrize("keep_last", [None, 1])
def test_what_was_dropped_before_a_prune_is_in_the_transcript(redis_url, archive, keep_last):
    with DualStoreSaver.from_conn_string(
        redis_url, archive=archive, keep_last=keep_last, **ON_DEMAND
    ) as saver:
        graph = chat(saver, Trimmed)
        written = []
        for text in "abcdefgh":
            say(graph, text)
            written += [text, f"re {text}"]
            if text in "adefh":
                saver.prune(["thread"])
            if text in "beh":
                archived(saver)
                assert_transcript(archive, graph, *written)


def test_a_thread_that_was_restored_goes_on_with_its_transcript(saver, archive, redis_client):
    graph = chat(saver)
    say(graph, "a", "b")
    update(graph, RemoveMessage(id="a"))
    archived(saver)
    redis_client.flushdb()
    say(graph, "c")
    update(graph, RemoveMessage(id="re a"))
    archived(saver)
    assert texts_in(graph) == ["b", "re b", "c", "re c"]
    assert_transcript(archive, graph, "a", "re a", "b", "re b", "c", "re c")
    redis_client.flushdb()
    update(graph, RemoveMessage(id=REMOVE_ALL_MESSAGES))
    archived(saver)
    redis_client.flushdb()
    say(graph, "d")
    archived(saver)
    assert_transcript(archive, graph, "a", "re a", "b", "re b", "c", "re c", "d", "re d")


# --- copies ---


@pytest.mark.parametrize("before", [False, True], ids=["new source", "archived source"])
def test_the_transcript_of_a_copy_is_whole(saver, archive, before):
    graph = chat(saver, Trimmed)
    say(graph, "a", "b", "c")
    if before:
        archived(saver)
    saver.copy_thread("thread", "copy")
    copy = {"configurable": {"thread_id": "copy"}}
    say(graph, "d", config=copy)
    archived(saver, "copy")
    assert texts_in(graph, config=copy) == ["c", "re c", "d", "re d"]
    expected = [word for text in "abcd" for word in (text, f"re {text}")]
    assert_transcript(archive, graph, *expected, thread_id="copy")
    archived(saver)
    assert_transcript(archive, graph, *expected[:-2])


def test_a_copy_over_a_thread_keeps_what_both_have_said(saver, archive):
    graph = chat(saver)
    other = {"configurable": {"thread_id": "other"}}
    say(graph, "a", config=other)
    archived(saver, "other")
    say(graph, "b")
    saver.copy_thread("thread", "other")
    archived(saver, "other")
    assert_transcript(archive, graph, "a", "re a", "b", "re b", thread_id="other")


# --- savers without an archive ---


@pytest.mark.parametrize("state", [None, Trimmed, Plain])
def test_an_archive_that_is_added_later_gets_the_whole_thread(saver, plain, archive, state):
    kind = [state] if state else []
    graph = chat(plain, *kind)
    say(graph, "a", "b", "c")
    if state is None:
        update(graph, RemoveMessage(id="re a"))
    graph = chat(saver, *kind)
    say(graph, "d")
    archived(saver)
    assert_transcript(archive, graph, *(word for text in "abcd" for word in (text, f"re {text}")))


def grow(graph):
    say(graph, "c")


def edit(graph):
    update(graph, HumanMessage("edited", id="a"))


def remove(graph):
    update(graph, RemoveMessage(id="re a"))


def add_and_remove(graph):
    say(graph, "c")
    update(graph, RemoveMessage(id="c"), RemoveMessage(id="re c"))


OTHERS = {
    grow: ["a", "re a", "b", "re b", "c", "re c"],
    edit: ["edited", "re a", "b", "re b"],
    remove: ["a", "re a", "b", "re b"],
    add_and_remove: ["a", "re a", "b", "re b", "c", "re c"],
}


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.__name__)
def test_what_a_saver_without_an_archive_writes_in_between_is_archived(
    saver, plain, archive, other, goes_on
):
    graph = chat(saver)
    say(graph, "a", "b")
    archived(saver)
    other(chat(plain))
    written = list(OTHERS[other])
    if goes_on:
        say(graph, "d")
        written += ["d", "re d"]
    archived(saver)
    assert_transcript(archive, graph, *written)


def test_savers_with_and_without_an_archive_may_take_turns(saver, plain, archive):
    graphs = chat(saver), chat(plain)
    written = []
    for turn in range(6):
        say(graphs[turn % 2], str(turn))
        written += [str(turn), f"re {turn}"]
        if turn in (2, 3, 5):
            archived(saver)
            assert_transcript(archive, graphs[0], *written)


def test_a_transcript_of_a_thread_that_is_begun_with_messages_from_outside(saver, archive):
    graph = chat(saver)
    graph.update_state(CONFIG, {"messages": [human("a"), human("b")]}, as_node="node")
    archived(saver)
    assert_transcript(archive, graph, "a", "b")
