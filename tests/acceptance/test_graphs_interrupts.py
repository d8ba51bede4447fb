"""Runs that stop to ask, and go on with the answer: also in another process's saver."""

from typing import Any, TypedDict

import pytest
from graph_runner import outline, outline_history, outline_stored, thread
from interrupting_graphs import Log, asks_in_parallel, asks_twice
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from langgraph_dualstore import DualStoreSaver


async def test_a_node_that_asks_twice_gets_both_answers(saver, runner):
    async def run(on):
        graph, config = asks_twice(on), thread()
        results = [await runner.invoke(graph, {"lines": ["start"]}, config)]
        waiting = [outline(await runner.state(graph, config))]
        results.append(await runner.invoke(graph, Command(resume="Ann"), config))
        waiting.append(outline(await runner.state(graph, config)))
        stored = outline_stored(on.list(thread()))
        results.append(await runner.invoke(graph, Command(resume=41), config))
        questions = [[i.value for i in result.get("__interrupt__", ())] for result in results]
        history = outline_history(await runner.history(graph, config))
        return questions, results[-1]["lines"], waiting, stored, history

    ours = await run(saver)
    assert ours[0] == [
        [{"question": "your name?", "choices": ["a", None, 3]}],
        ["how old is Ann?"],
        [],
    ]
    assert ours[1] == ["start", "begin", "Ann is 41", "end"]
    assert [state["next"] for state in ours[2]] == [("ask",), ("ask",)]
    assert ours == await run(InMemorySaver())


async def test_parallel_interrupts_are_answered_one_by_one(saver, runner):
    async def run(on):
        graph, config = asks_in_parallel(on), thread()
        result = await runner.invoke(graph, {"lines": []}, config)
        asked = []
        while waiting := result.get("__interrupt__"):
            asked.append(sorted(item.value for item in waiting))
            first = min(waiting, key=lambda item: item.value)
            answer = Command(resume={first.id: f"yes to {first.value}"})
            result = await runner.invoke(graph, answer, config)
        return asked, sorted(result["lines"])

    asked, lines = await run(saver)
    assert asked == [["blue?", "green?", "red?"], ["green?", "red?"], ["red?"]]
    assert lines == ["blue: yes to blue?", "green: yes to green?", "red: yes to red?"]
    assert (asked, lines) == await run(InMemorySaver())


async def test_parallel_interrupts_are_answered_all_at_once(saver, runner):
    async def run(on):
        graph, config = asks_in_parallel(on), thread()
        result = await runner.invoke(graph, {"lines": []}, config)
        answers = {item.id: item.value.upper() for item in result["__interrupt__"]}
        result = await runner.invoke(graph, Command(resume=answers), config)
        return result["lines"], outline_history(await runner.history(graph, config))

    lines, history = await run(saver)
    assert sorted(lines) == ["blue: BLUE?", "green: GREEN?", "red: RED?"]
    assert (lines, history) == await run(InMemorySaver())


async def test_an_interrupted_thread_goes_on_in_a_fresh_saver(redis_url, runner):
    with DualStoreSaver.from_conn_string(redis_url) as first:
        graph = asks_twice(first)
        await runner.invoke(graph, {"lines": []}, thread())
    for answer in ("Ann", 41):
        with DualStoreSaver.from_conn_string(redis_url) as another:
            graph = asks_twice(another)
            assert (await runner.state(graph, thread())).next == ("ask",)
            result = await runner.invoke(graph, Command(resume=answer), thread())
    assert result["lines"] == ["begin", "Ann is 41", "end"]


async def test_a_static_breakpoint_stops_before_and_after_a_node(saver, runner):
    async def run(on):
        builder = StateGraph(Log)
        for name in ("one", "two", "three"):
            builder.add_node(name, lambda state, name=name: {"lines": [name]})
        builder.add_edge(START, "one")
        builder.add_edge("one", "two")
        builder.add_edge("two", "three")
        graph = builder.compile(checkpointer=on, interrupt_before=["two"], interrupt_after=["two"])
        config = thread()
        stops: list[Any] = []
        given: Any = {"lines": ["zero"]}
        for _ in range(3):
            await runner.invoke(graph, given, config)
            stops.append(outline(await runner.state(graph, config)))
            given = None
        return stops

    stops = await run(saver)
    assert [stop["next"] for stop in stops] == [("two",), ("three",), ()]
    assert stops[-1]["values"]["lines"] == ["zero", "one", "two", "three"]
    assert stops == await run(InMemorySaver())


async def test_a_command_that_resumes_updates_and_jumps(saver, runner):
    async def run(on):
        graph, config = asks_twice(on), thread()
        await runner.invoke(graph, {"lines": []}, config)
        command = Command(resume="Ann", update={"lines": ["a note"]})
        await runner.invoke(graph, command, config)
        result = await runner.invoke(graph, Command(resume="7"), config)
        jumped = await runner.invoke(graph, Command(goto="end"), config)
        return result, jumped, outline_history(await runner.history(graph, config))

    result, jumped, history = await run(saver)
    assert result["lines"] == ["begin", "a note", "Ann is 7", "end"]
    assert jumped["lines"][-1] == "end"
    assert (result, jumped, history) == await run(InMemorySaver())


@pytest.mark.parametrize(
    "answer", ["", 0, False, [], [None], {"a": {}}, b"", ["nested", {"a": b"\x00"}], 1.0, "\x00"]
)
def test_any_answer_is_passed_on_exactly(saver, answer):
    class Answer(TypedDict, total=False):
        answer: Any

    builder = StateGraph(Answer)
    builder.add_node("ask", lambda state: {"answer": interrupt("?")})
    builder.add_edge(START, "ask")
    graph = builder.compile(checkpointer=saver)
    graph.invoke({"answer": "none yet"}, thread())
    assert graph.get_state(thread()).values == {"answer": "none yet"}
    assert graph.invoke(Command(resume=answer), thread())["answer"] == answer
    kept = graph.get_state(thread()).values["answer"]
    assert (kept, type(kept)) == (answer, type(answer))
