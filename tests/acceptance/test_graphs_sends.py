"""Tasks that run in parallel: 20 Sends of one step, and what is left when some of them fail."""

import operator
from typing import Annotated, Any, TypedDict

import pytest
from graph_runner import outline_history, outline_stored, thread
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send


class Jobs(TypedDict, total=False):
    count: int
    done: Annotated[list[int], operator.add]
    total: int


def fan_out_graph(on, work):
    def fan_out(state: Jobs) -> list[Send]:
        return [Send("work", {"number": number}) for number in range(state["count"])]

    builder = StateGraph(Jobs)
    builder.add_node("work", work)
    builder.add_node("sum", lambda state: {"total": sum(state["done"])})
    builder.add_conditional_edges(START, fan_out, ["work"])
    builder.add_edge("work", "sum")
    builder.add_edge("sum", END)
    return builder.compile(checkpointer=on)


def square(task: dict[str, Any]) -> Jobs:
    return {"done": [task["number"] ** 2]}


async def test_twenty_sends_run_in_one_step_and_keep_their_order(saver, runner):
    async def run(on):
        graph, config = fan_out_graph(on, square), thread()
        result = await runner.invoke(graph, {"count": 20}, config)
        return (
            result,
            outline_history(await runner.history(graph, config)),
            outline_stored(on.list(thread())),
        )

    result, history, stored = await run(saver)
    assert result["done"] == [number**2 for number in range(20)]
    assert result["total"] == 2470
    assert (result, history, stored) == await run(InMemorySaver())


async def test_a_second_round_of_sends_starts_from_the_first(saver, runner):
    graph, config = fan_out_graph(saver, square), thread()
    await runner.invoke(graph, {"count": 20}, config)
    result = await runner.invoke(graph, {"count": 3}, config)
    assert result["done"] == [*(number**2 for number in range(20)), 0, 1, 4]
    assert result["total"] == 2475


async def test_tasks_that_finished_are_not_run_again_after_one_failed(saver, runner):
    async def run(on):
        runs: list[int] = []

        def work(task: dict[str, Any]) -> Jobs:
            runs.append(task["number"])
            if task["number"] == 19 and runs.count(19) == 1:
                raise RuntimeError("the last one fails once")
            return {"done": [task["number"]]}

        graph, config = fan_out_graph(on, work), thread()
        with pytest.raises(RuntimeError, match="fails once"):
            await runner.invoke(graph, {"count": 20}, {**config, "max_concurrency": 1})
        failed = await runner.state(graph, config)
        stored = outline_stored(on.list(thread()))
        result = await runner.invoke(graph, None, config)
        return sorted(runs), [task.name for task in failed.tasks], stored, result

    runs, tasks, stored, result = await run(saver)
    assert runs == sorted([*range(20), 19])
    assert tasks == ["work"] * 20
    assert [write for write in stored[0]["writes"] if write[0] == "__error__"]
    assert result["done"] == list(range(20))
    assert (runs, tasks, stored, result) == await run(InMemorySaver())


async def test_nested_sends_and_a_send_with_a_whole_state(saver, runner):
    async def run(on):
        def spread(task: dict[str, Any]) -> Any:
            return {"done": [task["number"]]}

        def again(state: Jobs) -> Any:
            if len(state["done"]) < 8:
                return [Send("work", {"number": number * 10}) for number in state["done"]]
            return END

        builder = StateGraph(Jobs)
        builder.add_node("work", spread)
        builder.add_node("join", lambda state: {"total": len(state["done"])})
        builder.add_conditional_edges(
            START, lambda state: [Send("work", {"number": number}) for number in (1, 2)], ["work"]
        )
        builder.add_edge("work", "join")
        builder.add_conditional_edges("join", again, ["work", END])
        graph, config = builder.compile(checkpointer=on), thread()
        result = await runner.invoke(graph, {"count": 2}, config)
        return result, outline_history(await runner.history(graph, config))

    result, history = await run(saver)
    assert result["done"] == [1, 2, 10, 20, 10, 20, 100, 200]
    assert (result, history) == await run(InMemorySaver())
