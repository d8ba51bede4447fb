"""Subgraphs: with memory of their own, interrupted inside, nested, called from nodes."""

import operator
from typing import Annotated, TypedDict

from graph_runner import outline, outline_history, outline_stored, thread
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt


class Outer(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


class Inner(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    calls: Annotated[int, operator.add]


def counting_child(checkpointer):
    def count(state: Inner) -> Inner:
        return {"calls": 1, "log": [f"call {state.get('calls', 0) + 1}"]}

    builder = StateGraph(Inner)
    builder.add_node("count", count)
    builder.add_edge(START, "count")
    return builder.compile(checkpointer=checkpointer)


def asking_child(question="inner question"):
    def ask(state: Inner) -> Inner:
        return {"log": [f"answer: {interrupt(question)}"]}

    builder = StateGraph(Inner)
    builder.add_node("prepare", lambda state: {"log": ["prepared"]})
    builder.add_node("ask", ask)
    builder.add_edge(START, "prepare")
    builder.add_edge("prepare", "ask")
    return builder.compile()


def parent_of(child, on):
    builder = StateGraph(Outer)
    builder.add_node("before", lambda state: {"log": ["before"]})
    builder.add_node("child", child)
    builder.add_node("after", lambda state: {"log": ["after"]})
    builder.add_edge(START, "before")
    builder.add_edge("before", "child")
    builder.add_edge("child", "after")
    return builder.compile(checkpointer=on)


async def stored_outline(on):
    return outline_stored(on.list(thread()))


async def test_a_subgraph_with_memory_of_its_own_remembers_across_runs(saver, runner):
    async def run(on):
        def call_child(state: Outer) -> Outer:
            return {"log": child.invoke({"log": []})["log"][-1:]}

        async def acall_child(state: Outer) -> Outer:
            return {"log": (await child.ainvoke({"log": []}))["log"][-1:]}

        child = counting_child(True)
        node = acall_child if runner.is_async else call_child
        graph, config = parent_of(node, on), thread()
        for _ in range(3):
            result = await runner.invoke(graph, {"log": []}, config)
        return result["log"], await stored_outline(on)

    log, stored = await run(saver)
    assert log == [
        *("before", "call 1", "after"),
        *("before", "call 2", "after"),
        *("before", "call 3", "after"),
    ]
    assert {item["ns"] for item in stored} == {"", "child"}
    assert (log, stored) == await run(InMemorySaver())


async def test_a_subgraph_that_is_a_node_keeps_its_memory(saver, runner):
    async def run(on):
        graph, config = parent_of(counting_child(True), on), thread()
        for _ in range(2):
            result = await runner.invoke(graph, {"log": []}, config)
        latest = on.get_tuple(thread(checkpoint_ns="child"))
        return result["log"], latest.checkpoint["channel_values"], await stored_outline(on)

    log, child_values, stored = await run(saver)
    assert child_values["calls"] == 2
    assert (log, child_values, stored) == await run(InMemorySaver())


async def test_an_interrupt_inside_a_subgraph_is_resumed_there(saver, runner):
    async def run(on):
        graph, config = parent_of(asking_child(), on), thread()
        first = await runner.invoke(graph, {"log": []}, config)
        waiting = outline(await runner.state(graph, config, subgraphs=True))
        stored = await stored_outline(on)
        result = await runner.invoke(graph, Command(resume="42"), config)
        history = outline_history(await runner.history(graph, config))
        return [i.value for i in first["__interrupt__"]], waiting, stored, result, history

    ours = await run(saver)
    questions, waiting, stored, result, _ = ours
    assert questions == ["inner question"]
    assert waiting["tasks"][0]["state"]["next"] == ("ask",)
    assert {item["ns"] for item in stored} == {"", "child"}
    assert result["log"] == ["before", "before", "prepared", "answer: 42", "after"]
    assert ours == await run(InMemorySaver())


async def test_the_state_of_an_interrupted_subgraph_can_be_updated(saver, runner):
    async def run(on):
        graph, config = parent_of(asking_child(), on), thread()
        await runner.invoke(graph, {"log": []}, config)
        waiting = await runner.state(graph, config, subgraphs=True)
        inside = waiting.tasks[0].state.config
        await runner.update(graph, inside, {"log": ["planted"]})
        history = outline_history(await runner.history(graph, inside))
        result = await runner.invoke(graph, Command(resume="42"), config)
        return result, history

    result, history = await run(saver)
    assert "planted" in result["log"]
    assert (result, history) == await run(InMemorySaver())


async def test_a_history_spans_the_namespaces_of_subgraphs(saver, runner):
    """The engine asks a subgraph's namespace for what is before the parent's id."""

    async def run(on):
        graph, config = parent_of(asking_child(), on), thread()
        for answer in ("one", "two"):
            await runner.invoke(graph, {"log": []}, config)
            await runner.invoke(graph, Command(resume=answer), config)
        first_stop = next(
            state
            for state in reversed(await runner.history(graph, config))
            if state.next == ("child",)
        )
        at_stop = await runner.state(graph, first_stop.config, subgraphs=True)
        again = await runner.invoke(graph, Command(resume="other"), first_stop.config)
        return outline(at_stop), again["log"], await stored_outline(on)

    at_stop, log, stored = await run(saver)
    assert at_stop["tasks"][0]["state"]["values"]["log"][:2] == ["before", "prepared"]
    assert (at_stop, log, stored) == await run(InMemorySaver())


async def test_subgraphs_in_subgraphs_stop_and_go_on(saver, runner):
    async def run(on):
        middle = StateGraph(Inner)
        middle.add_node("inner", asking_child())
        middle.add_node("count", lambda state: {"calls": 1})
        middle.add_edge(START, "inner")
        middle.add_edge("inner", "count")
        graph, config = parent_of(middle.compile(), on), thread()
        await runner.invoke(graph, {"log": []}, config)
        namespaces = sorted(item["ns"] for item in await stored_outline(on))
        result = await runner.invoke(graph, Command(resume="deep"), config)
        return namespaces, result, outline_history(await runner.history(graph, config))

    namespaces, result, history = await run(saver)
    assert {"", "child", "child|inner"} == set(namespaces)
    assert result["log"][-2:] == ["answer: deep", "after"]
    assert (namespaces, result, history) == await run(InMemorySaver())


async def test_parallel_subgraphs_each_stop_and_go_on(saver, runner):
    async def run(on):
        builder = StateGraph(Outer)
        for name in ("left", "right"):
            builder.add_node(name, asking_child(question=f"{name}?"))
            builder.add_edge(START, name)
        graph, config = builder.compile(checkpointer=on), thread()
        result = await runner.invoke(graph, {"log": []}, config)
        answers = {item.id: f"yes {item.value}" for item in result["__interrupt__"]}
        return (await runner.invoke(graph, Command(resume=answers), config))["log"]

    log = await run(saver)
    assert log == ["prepared", "answer: yes left?", "prepared", "answer: yes right?"]
    assert log == await run(InMemorySaver())
