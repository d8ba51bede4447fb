"""States that are pydantic models and dataclasses, with values of every kind in them."""

import dataclasses
import enum
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from graph_runner import outline_history, thread
from langchain_core.messages import AnyMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Command, interrupt
from pydantic import BaseModel, Field

from langgraph_dualstore import DualStoreSaver


class Colour(enum.Enum):
    RED = "red"


class Address(BaseModel):
    street: str
    tags: set[str] = Field(default_factory=set)


@dataclasses.dataclass
class Point:
    x: int
    y: list[int] = dataclasses.field(default_factory=list)


class PydanticState(BaseModel):
    messages: Annotated[list[AnyMessage], add_messages] = Field(default_factory=list)
    when: datetime | None = None
    price: Decimal = Decimal(0)
    address: Address | None = None
    colours: list[Colour] = Field(default_factory=list)
    key: UUID | None = None


@dataclasses.dataclass
class DataclassState:
    messages: Annotated[list[AnyMessage], add_messages] = dataclasses.field(default_factory=list)
    point: Point | None = None
    points: dict[str, Point] = dataclasses.field(default_factory=dict)
    raw: bytes = b""


def serde():
    return JsonPlusSerializer(allowed_msgpack_modules=[Address, Colour, Point])


def asks_between(state_type, first, last, on):
    builder = StateGraph(state_type)
    builder.add_node("first", first)
    builder.add_node("ask", lambda state: {"messages": [("ai", interrupt("?"))]})
    builder.add_node("last", last)
    builder.add_edge(START, "first")
    builder.add_edge("first", "ask")
    builder.add_edge("ask", "last")
    return builder.compile(checkpointer=on)


async def run_twice(runner, graph):
    await runner.invoke(graph, {"messages": [("user", "hello")]}, thread())
    waiting = (await runner.state(graph, thread())).values
    result = await runner.invoke(graph, Command(resume="yes"), thread())
    return waiting, result, await runner.state(graph, thread())


async def test_a_pydantic_state_comes_back_as_its_types(redis_url, runner):
    address = Address(street="Main St 1", tags={"home", "old"})
    key = UUID("12345678123456781234567812345678")

    def first(state: PydanticState) -> dict[str, Any]:
        return {
            "when": datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
            "price": Decimal("10.250"),
            "address": address,
            "colours": [Colour.RED],
            "key": key,
        }

    def last(state: PydanticState) -> dict[str, Any]:
        assert isinstance(state.address, Address)
        assert state.colours == [Colour.RED]
        return {"address": state.address.model_copy(update={"street": "Main St 2"})}

    with DualStoreSaver.from_conn_string(redis_url, serde=serde()) as saver:
        graph = asks_between(PydanticState, first, last, saver)
        waiting, result, state = await run_twice(runner, graph)
    assert waiting["address"] == address
    assert waiting["when"] == datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    assert str(waiting["price"]) == "10.250"
    assert waiting["key"] == key
    assert [message.text for message in result["messages"]] == ["hello", "yes"]
    assert state.values["address"] == Address(street="Main St 2", tags={"home", "old"})


async def test_a_dataclass_state_comes_back_as_its_types(redis_url, runner):
    def first(state: DataclassState) -> dict[str, Any]:
        return {"point": Point(1, [2, 3]), "points": {"a": Point(4)}, "raw": b"\x00\xff"}

    def last(state: DataclassState) -> dict[str, Any]:
        assert state.point == Point(1, [2, 3])
        state.points["a"].y.append(9)
        return {"points": state.points, "raw": b""}

    with DualStoreSaver.from_conn_string(redis_url, serde=serde()) as saver:
        graph = asks_between(DataclassState, first, last, saver)
        waiting, result, state = await run_twice(runner, graph)
    assert waiting["points"] == {"a": Point(4)}
    assert waiting["raw"] == b"\x00\xff"
    assert state.values["point"] == Point(1, [2, 3])
    assert state.values["points"] == {"a": Point(4, [9])}
    assert state.values["raw"] == b""
    assert [message.text for message in result["messages"]] == ["hello", "yes"]


async def test_a_pydantic_state_of_plain_types_needs_no_settings(saver, runner):
    class Counter(BaseModel):
        count: int = 0
        names: list[str] = Field(default_factory=list)

    async def run(on):
        builder = StateGraph(Counter)
        builder.add_node(
            "add",
            lambda state: {
                "count": state.count + 1,
                "names": [*state.names, f"n{state.count}"],
            },
        )
        builder.add_edge(START, "add")
        graph = builder.compile(checkpointer=on)
        for _ in range(3):
            result = await runner.invoke(graph, {}, thread())
        return result, outline_history(await runner.history(graph, thread()))

    result, history = await run(saver)
    assert result == {"count": 3, "names": ["n0", "n1", "n2"]}
    assert (result, history) == await run(InMemorySaver())
