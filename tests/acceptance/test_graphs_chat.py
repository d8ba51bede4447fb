"""Conversations of several turns, tool loops, state updates and histories."""

from typing import Any

import pytest
from graph_runner import outline, outline_history, outline_stored, thread
from graphs import Chat, answer, chat_graph, says, tool_loop_graph
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES


async def test_a_chat_of_several_turns_remembers_everything(saver, runner):
    graph, config = chat_graph(saver), thread()
    for turn in range(1, 6):
        result = await runner.invoke(graph, says(f"hello {turn}"), config)
        assert len(result["messages"]) == 2 * turn
    assert [message.text for message in result["messages"]] == [
        text for turn in range(1, 6) for text in (f"hello {turn}", f"{turn}: hello {turn}")
    ]
    assert result["turns"] == 5
    assert (await runner.state(graph, config)).values == result


async def test_a_chat_leaves_what_it_leaves_in_memory(saver, runner):
    async def chat(on):
        graph, config = chat_graph(on), thread(user_id="u1")
        results = [await runner.invoke(graph, says(text), config) for text in ("a", "b", "c")]
        return (
            results,
            outline(await runner.state(graph, config)),
            outline_history(await runner.history(graph, config)),
            outline_stored(on.list(thread())),
        )

    assert await chat(saver) == await chat(InMemorySaver())


async def test_two_threads_do_not_mix(saver, runner):
    graph = chat_graph(saver)
    await runner.invoke(graph, says("one"), thread("one"))
    await runner.invoke(graph, says("two"), thread("two"))
    result = await runner.invoke(graph, says("one again"), thread("one"))
    assert [message.text for message in result["messages"]] == [
        "one",
        "1: one",
        "one again",
        "2: one again",
    ]
    assert len((await runner.state(graph, thread("two"))).values["messages"]) == 2


async def test_a_tool_loop_keeps_calls_and_results(saver, runner):
    async def converse(on):
        graph, config = tool_loop_graph(on), thread()
        for text in ("compute", "once more"):
            result = await runner.invoke(graph, says(text), config)
        history = outline_history(await runner.history(graph, config))
        return result["messages"], history, outline_stored(on.list(thread()))

    messages, history, stored = await converse(saver)
    assert [type(message) for message in messages[:7]] == [
        HumanMessage,
        AIMessage,
        ToolMessage,
        ToolMessage,
        AIMessage,
        ToolMessage,
        AIMessage,
    ]
    assert messages[6].content == "the results: ['5', '20', '25']"
    assert messages[1].tool_calls[1]["args"] == {"a": 4, "b": 5}
    assert (messages, history, stored) == await converse(InMemorySaver())


async def test_edited_removed_and_cleared_messages(saver, runner):
    async def converse(on):
        graph, config = chat_graph(on), thread()
        await runner.invoke(graph, says("first"), config)
        await runner.invoke(graph, says("second"), config)
        edit = HumanMessage("first, edited", id="says-first")
        await runner.update(graph, config, {"messages": [edit]})
        edited = await runner.invoke(graph, says("third"), config)
        await runner.update(graph, config, {"messages": [RemoveMessage(id="says-second")]})
        removed = await runner.invoke(graph, says("fourth"), config)
        clear = [RemoveMessage(id=REMOVE_ALL_MESSAGES), HumanMessage("a summary", id="summary")]
        await runner.update(graph, config, {"messages": clear})
        cleared = await runner.invoke(graph, says("fifth"), config)
        texts = [
            [message.text for message in result["messages"]]
            for result in (edited, removed, cleared)
        ]
        return texts, outline_history(await runner.history(graph, config))

    texts, history = await converse(saver)
    assert texts[0][0] == "first, edited"
    assert "second" not in texts[1]
    assert texts[2] == ["a summary", "fifth", "5: fifth"]
    assert (texts, history) == await converse(InMemorySaver())


async def test_a_message_that_a_node_changes_in_place_is_saved(saver, runner):
    """`add_messages` hands a node the very objects of the last step."""

    def annotate(state: Chat) -> dict[str, Any]:
        first = state["messages"][0]
        first.additional_kwargs.setdefault("seen", []).append(len(state["messages"]))
        first.content = f"seen {len(state['messages'])}"
        return answer(state)

    builder = StateGraph(Chat)
    builder.add_node("annotate", annotate)
    builder.add_edge(START, "annotate")
    builder.add_edge("annotate", END)
    graph, config = builder.compile(checkpointer=saver), thread()
    for text in ("a", "b", "c"):
        result = await runner.invoke(graph, says(text), config)
    first = (await runner.state(graph, config)).values["messages"][0]
    assert first == result["messages"][0]
    assert first.content == "seen 5"
    assert first.additional_kwargs == {"seen": [1, 3, 5]}


async def test_update_state_acts_as_the_named_node(saver, runner):
    async def converse(on):
        graph, config = chat_graph(on), thread()
        await runner.invoke(graph, says("hello"), config)
        as_input = await runner.update(graph, config, says("planted"), "__start__")
        planted = await runner.state(graph, as_input)
        assert planted.next == ("answer",)
        result = await runner.invoke(graph, None, as_input)
        as_node = await runner.update(graph, config, {"turns": 70}, "answer")
        assert (await runner.state(graph, as_node)).next == ()
        last = await runner.invoke(graph, says("again"), config)
        return result, last, outline_history(await runner.history(graph, config))

    result, last, history = await converse(saver)
    assert result["messages"][-1].text == "2: planted"
    assert last["messages"][-1].text == "71: again"
    assert (result, last, history) == await converse(InMemorySaver())


@pytest.mark.parametrize("limit", [0, 1, 3])
async def test_a_history_can_be_limited_filtered_and_begun_in_the_middle(saver, runner, limit):
    async def converse(on):
        graph, config = chat_graph(on), thread()
        for text in ("a", "b", "c"):
            await runner.invoke(graph, says(text), config)
        history = await runner.history(graph, config)
        middle = history[len(history) // 2].config
        return [
            outline_history(await runner.history(graph, config, limit=limit)),
            outline_history(await runner.history(graph, config, before=middle, limit=limit)),
            outline_history(await runner.history(graph, config, filter={"source": "input"})),
            outline_history(await runner.history(graph, config, filter={"step": 2})),
        ]

    ours = await converse(saver)
    assert [len(part) for part in ours[:1]] == [limit]
    assert ours == await converse(InMemorySaver())


async def test_a_thread_that_nobody_wrote_is_empty(saver, runner):
    graph = chat_graph(saver)
    state = await runner.state(graph, thread("unknown"))
    assert (state.values, state.next, state.created_at) == ({}, (), None)
    assert await runner.history(graph, thread("unknown")) == []
