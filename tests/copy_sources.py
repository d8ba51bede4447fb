"""Savers that threads are copied from, and what is done with them before and after."""

import contextlib
import importlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from graph_runner import Runner, thread
from graphs import chat_graph, says, tool_loop_graph
from interrupting_graphs import asks_in_parallel, asks_twice
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from langgraph_dualstore import DualStoreSaver

# ruff: noqa: PLC0415 - a saver is imported only where it is used

SYNC = ("memory", "postgres", "sqlite", "plainredis", "dualstore")
ASYNC = ("async-postgres", "async-sqlite", "async-plainredis")
OFFICIAL = {
    "redis": "langgraph.checkpoint.redis.RedisSaver",
    "async-redis": "langgraph.checkpoint.redis.aio.AsyncRedisSaver",
    "shallow": "langgraph.checkpoint.redis.shallow.ShallowRedisSaver",
    "async-shallow": "langgraph.checkpoint.redis.ashallow.AsyncShallowRedisSaver",
}
"""The savers of `langgraph-checkpoint-redis`, for which a server with modules is needed."""


@contextlib.asynccontextmanager
async def opened(kind: str, url: str, dsn: str, folder: Path) -> AsyncIterator[Any]:
    """A saver of a kind, on the servers of the test."""
    if kind == "memory":
        yield InMemorySaver()
    elif kind == "postgres":
        from langgraph.checkpoint.postgres import PostgresSaver

        with PostgresSaver.from_conn_string(dsn) as saver:
            saver.setup()
            yield saver
    elif kind == "async-postgres":
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

        async with AsyncPostgresSaver.from_conn_string(dsn) as saver:
            await saver.setup()
            yield saver
    elif kind == "sqlite":
        from langgraph.checkpoint.sqlite import SqliteSaver

        with SqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver:
            yield saver
    elif kind == "async-sqlite":
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        async with AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver:
            yield saver
    elif kind == "plainredis":
        from langgraph_checkpoint_plainredis import RedisSaver

        saver = RedisSaver(url=url)
        yield saver
        saver.client.close()
    elif kind == "async-plainredis":
        from langgraph_checkpoint_plainredis import AsyncRedisSaver

        saver = AsyncRedisSaver(url=url)
        yield saver
        await saver.aclose()
    else:
        with DualStoreSaver.from_conn_string(url, prefix="other") as saver:
            yield saver


@contextlib.asynccontextmanager
async def opened_official(kind: str, url: str, **options: Any) -> AsyncIterator[Any]:
    """A saver of `langgraph-checkpoint-redis`, on a server with the modules for it."""
    module, _, name = OFFICIAL[kind].rpartition(".")
    entered = getattr(importlib.import_module(module), name).from_conn_string(url, **options)
    if kind.startswith("async"):
        async with entered as saver:
            yield saver
    else:
        with entered as saver:
            saver.setup()
            yield saver


class Log(TypedDict, total=False):
    log: Annotated[list[str], lambda old, new: [*old, *new]]
    calls: int


def remembering_graph(on: Any, *, is_async: bool) -> Any:
    """A node that calls a graph with memory of its own."""
    child_builder = StateGraph(Log)
    child_builder.add_node(
        "count",
        lambda state: {
            "calls": state.get("calls", 0) + 1,
            "log": [f"call {state.get('calls', 0) + 1}"],
        },
    )
    child_builder.add_edge(START, "count")
    child = child_builder.compile(checkpointer=True)

    def call(state: Log) -> Log:
        return {"log": child.invoke({"log": []})["log"][-1:]}

    async def acall(state: Log) -> Log:
        return {"log": (await child.ainvoke({"log": []}))["log"][-1:]}

    builder = StateGraph(Log)
    builder.add_node("child", acall if is_async else call)
    builder.add_edge(START, "child")
    return builder.compile(checkpointer=on)


class Booking(BaseModel):
    number: int


def extend(state: list[Any], writes: Any) -> list[Any]:
    return [*state, *(item for write in writes for item in write)]


def delta_graph(on: Any, snapshot_frequency: int = 1000) -> Any:
    """Three nodes at once write to a delta channel; one of them asks first."""

    class State(TypedDict, total=False):
        lines: Annotated[list[Any], DeltaChannel(extend, snapshot_frequency=snapshot_frequency)]

    builder = StateGraph(State)
    for name in ("red", "green", "blue"):

        def write(state: State, name: str = name) -> State:
            if name == "blue":
                return {"lines": [f"{name}: {interrupt('blue?')}"]}
            return {"lines": [name]}

        builder.add_node(name, write)
        builder.add_edge(START, name)
        builder.add_edge(name, "end")
    builder.add_node("end", lambda state: {"lines": [f"end of {len(state['lines'])}"]})
    return builder.compile(checkpointer=on)


@dataclass
class Scenario:
    """A graph, what is said to it before the copy, and what after."""

    graph: Callable[[Any, Runner], Any]
    before: tuple[Any, ...]
    after: tuple[Any, ...]


async def _forked(graph: Any, runner: Runner) -> None:
    await runner.invoke(graph, says("root"), thread())
    fork = (await runner.state(graph, thread())).config
    for branch in ("left", "right"):
        await runner.invoke(graph, says(branch), fork)
        await runner.invoke(graph, says(f"{branch} again"), thread())


SCENARIOS = {
    "tools": Scenario(lambda on, _: tool_loop_graph(on), (says("a"), says("b")), (says("c"),)),
    "interrupt": Scenario(
        lambda on, _: asks_twice(on),
        ({"lines": ["start"]}, Command(resume="Ann")),
        (Command(resume=41),),
    ),
    "interrupts": Scenario(
        lambda on, _: asks_in_parallel(on), ({"lines": ["start"]},), ({"lines": ["again"]},)
    ),
    "subgraph": Scenario(
        lambda on, runner: remembering_graph(on, is_async=runner.is_async),
        ({"log": []}, {"log": []}),
        ({"log": []},),
    ),
    "fork": Scenario(lambda on, _: chat_graph(on), (_forked,), (says("on"),)),
    "delta": Scenario(
        lambda on, _: delta_graph(on),
        ({"lines": ["a"]}, Command(resume="1"), {"lines": ["b"]}),
        (Command(resume="2"), {"lines": ["c"]}, Command(resume="3")),
    ),
    "delta-snapshots": Scenario(
        lambda on, _: delta_graph(on, 2),
        ({"lines": ["a"]}, Command(resume="1"), {"lines": ["b"]}),
        (Command(resume="2"), {"lines": ["c"]}, Command(resume="3")),
    ),
}


async def play(runner: Runner, graph: Any, parts: tuple[Any, ...]) -> list[Any]:
    """Say some things to a graph; returns its results."""
    results = []
    for part in parts:
        if callable(part):
            results.append(await part(graph, runner))
        else:
            results.append(await runner.invoke(graph, part, thread()))
    return [_comparable(result) for result in results]


def _comparable(result: Any) -> Any:
    if not isinstance(result, dict):
        return result
    return {name: value for name, value in result.items() if name != "__interrupt__"}
