"""The transcript holds every message that was ever written, also those the graph dropped."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage
from langgraph.func import entrypoint
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from memory_archive import MemoryArchive
from transcripts import (
    CONFIG,
    Plain,
    Trimmed,
    ai,
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


@pytest.fixture(params=[{}, {"keep_last": 1}], ids=["all kept", "newest kept"])
def saver(redis_url, archive, request):
    """It archives when it is told to."""
    with DualStoreSaver.from_conn_string(
        redis_url, archive=archive, **ON_DEMAND, **request.param
    ) as opened:
        yield opened


@pytest.fixture(params=["once", "after every run"])
def archived(saver, request):
    """Archives after a run, or at the end only."""

    def archived(*, end: bool = False) -> None:
        if end or request.param == "after every run":
            assert saver.archive_thread("thread") == "archived"

    return archived


def test_messages_that_were_summarized_are_kept(saver, archive, archived):
    def summarize(state):
        if len(state["messages"]) < 5:
            return {"messages": [ai(f"re {state['messages'][-1].text}")]}
        gone = [RemoveMessage(id=message.id) for message in state["messages"][:-1]]
        summary = SystemMessage(f"of {len(gone)}", id=f"to {state['messages'][-1].text}")
        return {"messages": [*gone, summary]}

    graph = graph_of(saver, summarize)
    for text in "abcdef":
        say(graph, text)
        archived()
    archived(end=True)
    assert texts_in(graph) == ["e", "of 4", "f", "re f"]
    assert_transcript(
        archive, graph, "a", "re a", "b", "re b", "c", "of 4", "d", "re d", "e", "of 4", "f", "re f"
    )


def test_messages_that_were_trimmed_are_kept(saver, archive, archived):
    graph = chat(saver, Trimmed)
    for text in "abcde":
        say(graph, text)
        archived()
    archived(end=True)
    assert texts_in(graph) == ["d", "re d", "e", "re e"]
    assert_transcript(archive, graph, *(word for text in "abcde" for word in (text, f"re {text}")))


def test_a_message_that_was_edited_stays_in_its_place(saver, archive, archived):
    graph = chat(saver)
    say(graph, "a", "b")
    archived()
    update(graph, AIMessage("edited", id="re a"))
    archived()
    say(graph, "c")
    archived()
    update(graph, AIMessage("edited again", id="re a"), HumanMessage("C", id="c"))
    archived(end=True)
    assert_transcript(archive, graph, "a", "edited again", "b", "re b", "C", "re c")


def test_a_thread_that_starts_anew_keeps_what_was_before(saver, archive, archived):
    graph = chat(saver)
    say(graph, "a", "b")
    archived()
    update(graph, RemoveMessage(id=REMOVE_ALL_MESSAGES))
    archived()
    assert texts_in(graph) == []
    say(graph, "c")
    archived()
    update(graph, RemoveMessage(id=REMOVE_ALL_MESSAGES), human("d"))
    archived(end=True)
    assert_transcript(archive, graph, "a", "re a", "b", "re b", "c", "re c", "d")


def test_a_state_that_holds_nothing_any_more_has_only_removed_messages(saver, archive, archived):
    graph = chat(saver)
    say(graph, "a")
    archived()
    update(graph, RemoveMessage(id=REMOVE_ALL_MESSAGES))
    archived(end=True)
    assert_transcript(archive, graph, "a", "re a")
    assert archive.present("thread") == []


def test_a_message_that_is_removed_and_put_back_is_present(saver, archive, archived):
    graph = chat(saver)
    say(graph, "a")
    archived()
    update(graph, RemoveMessage(id="a"))
    archived()
    update(graph, human("a"))
    archived(end=True)
    assert texts_in(graph) == ["re a", "a"]
    assert_transcript(archive, graph, "a", "re a")


def test_a_message_that_comes_and_goes_between_two_archives_is_kept(saver, archive, archived):
    graph = chat(saver)
    say(graph, "a")
    archived(end=True)
    update(graph, human("b"))
    update(graph, RemoveMessage(id="b"))
    archived()
    update(graph, human("c"))
    update(graph, HumanMessage("C", id="c"), human("d"))
    update(graph, RemoveMessage(id="c"))
    archived(end=True)
    assert_transcript(archive, graph, "a", "re a", "b", "C", "d")


def test_every_channel_of_messages_is_in_the_transcript(saver, archive, archived):
    def node(state):
        text = state["messages"][-1].text
        return {
            "messages": [ai(f"re {text}")],
            "notes": [SystemMessage(f"note on {text}", id=text), *drop(state)],
            "topic": text,
        }

    def drop(state):
        return [RemoveMessage(id=note.id) for note in state.get("notes", [])[-1:]]

    graph = graph_of(saver, node)
    for text in "ab":
        say(graph, text)
        archived()
    archived(end=True)
    assert texts_in(graph, "notes") == ["note on b"]
    kept = archive.threads["thread"]
    assert sorted(kept.removed) == [("notes", "a")]
    assert list(kept.messages) == [
        *(("messages", "a"), ("messages", "re a"), ("notes", "a")),
        *(("messages", "b"), ("messages", "re b"), ("notes", "b")),
    ]


def test_messages_without_ids_are_told_apart_by_their_content(saver, archive, archived):
    graph = graph_of(saver, lambda state: {"messages": [AIMessage("yes")]}, Plain)
    for text in ("a", "yes", "a"):
        graph.invoke({"messages": [HumanMessage(text)]}, CONFIG)
        archived()
    archived(end=True)
    assert_transcript(archive, graph, "a", "yes", "yes", "yes", "a", "yes")
    roles = [row.role for row in archive.threads["thread"].messages.values()]
    assert roles == ["user", "assistant"] * 3


def test_dicts_can_be_messages(saver, archive, archived):
    def node(state):
        return {"messages": [{"role": "assistant", "content": f"re {len(state['messages'])}"}]}

    graph = graph_of(saver, node, Plain)
    for text in "ab":
        graph.invoke({"messages": [{"type": "human", "content": text, "id": text}]}, CONFIG)
        archived()
    archived(end=True)
    assert_transcript(archive, graph, "a", "re 1", "b", "re 3")
    roles = [row.role for row in archive.threads["thread"].messages.values()]
    assert roles == ["user", "assistant"] * 2


def test_the_messages_of_a_functional_api_are_in_the_transcript(saver, archive, archived):
    @entrypoint(checkpointer=saver)
    def flow(text, *, previous=None):
        return [*(previous or [])[-2:], human(text), ai(f"re {text}")]

    for text in "abc":
        flow.invoke(text, CONFIG)
        archived()
    archived(end=True)
    assert archive.contents("thread") == ["a", "re a", "b", "re b", "c", "re c"]
    assert archive.present("thread") == ["b", "re b", "c", "re c"]


def test_an_unfinished_run_has_its_messages_in_the_transcript(saver, archive, archived):
    def fails(state):
        raise RuntimeError("no answer")

    graph = graph_of(saver, fails)
    for text in "ab":
        with pytest.raises(RuntimeError):
            say(graph, text)
        archived()
    archived(end=True)
    assert archive.status("thread") == "error"
    assert_transcript(archive, graph, "a", "b")
