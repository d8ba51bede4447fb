"""Generates messages of every class, with whatever a message may carry."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)
from pydantic import BaseModel


class Colour(StrEnum):
    RED = "red"


class Artifact(BaseModel):
    rows: list[int] = []


class SignedMessage(HumanMessage):
    """A subclass: it has the same type as its parent."""

    signature: str = ""


class Text(str):
    """A string that is not quite a string."""

    __slots__ = ()


texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", "\x00", "日本語", "👋🏽", "a" * 300, Text("subclass"), Colour.RED]),
)
plain = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False),
        texts,
        st.binary(max_size=20),
        st.just("\ud800"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(texts, st.integers(0, 9)), inner, max_size=3),
    ),
    max_leaves=6,
)
odd = st.sampled_from(
    [
        datetime(2024, 1, 1, tzinfo=UTC),
        UUID(int=7),
        {1, 2},
        (1, "two"),
        Artifact(rows=[1, 2]),
        [Artifact()],
        {"nested": {"deep": Artifact()}},
    ]
)
anything = st.one_of(plain, odd)
mappings = st.dictionaries(st.text(max_size=8), anything, max_size=3)

_blocks = st.one_of(
    texts,
    st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": st.just({"url": "data:,"})}),
    mappings,
)
contents = st.one_of(texts, st.lists(_blocks, max_size=3))
names = st.one_of(st.none(), texts)
tool_calls = st.lists(
    st.fixed_dictionaries(
        {"name": texts, "args": st.dictionaries(texts, plain, max_size=3), "id": names},
        optional={"type": st.just("tool_call")},
    ),
    max_size=3,
)
invalid_tool_calls = st.lists(
    st.fixed_dictionaries({"name": names, "args": names, "id": names, "error": names}),
    max_size=2,
)
_counts = st.integers(0, 10**6)
usages = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"input_tokens": _counts, "output_tokens": _counts, "total_tokens": _counts},
        optional={
            "output_token_details": st.dictionaries(
                st.sampled_from(["reasoning", "audio", "own"]), _counts
            ),
            "input_token_details": st.dictionaries(
                st.sampled_from(["cache_read", "audio", "cache_creation", "own"]), _counts
            ),
        },
    ),
)
raw_tool_calls = st.sampled_from(
    [
        {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"x": 1}'}}]},
        {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{broken"}}]},
        {"tool_calls": "nonsense"},
    ]
)
extras = st.dictionaries(
    st.sampled_from(["turn", "timestamp", "custom", "score"]), anything, max_size=2
)

_common: dict[str, Any] = {
    "content": contents,
    "additional_kwargs": st.one_of(mappings, raw_tool_calls),
    "response_metadata": mappings,
    "name": names,
    "id": names,
}


def _of(cls: type[BaseMessage], **own: Any) -> st.SearchStrategy[BaseMessage]:
    @st.composite
    def build(draw: st.DrawFn) -> BaseMessage:
        fields = {name: draw(strategy) for name, strategy in {**_common, **own}.items()}
        return cls(**fields, **draw(extras))

    return build()


plainly_classed = st.one_of(
    _of(HumanMessage),
    _of(SystemMessage),
    _of(
        AIMessage,
        tool_calls=tool_calls,
        invalid_tool_calls=invalid_tool_calls,
        usage_metadata=usages,
    ),
    _of(
        ToolMessage,
        tool_call_id=texts,
        artifact=anything,
        status=st.sampled_from(["success", "error"]),
    ),
)
messages = st.one_of(
    plainly_classed,
    _of(HumanMessageChunk),
    _of(AIMessageChunk, usage_metadata=usages),
    _of(ChatMessage, role=texts),
    _of(FunctionMessage, name=texts),
    _of(SignedMessage, signature=texts),
    texts.map(lambda id_: RemoveMessage(id=id_)),
)
chunks = st.one_of(
    _of(HumanMessageChunk),
    _of(SystemMessageChunk),
    _of(ToolMessageChunk, tool_call_id=texts, artifact=anything),
    _of(FunctionMessageChunk, name=texts),
    _of(ChatMessageChunk, role=texts),
    _of(
        AIMessageChunk,
        tool_call_chunks=st.lists(
            st.fixed_dictionaries(
                {"name": names, "args": names, "id": names, "index": st.none() | st.integers(0, 9)}
            ),
            max_size=2,
        ),
        chunk_position=st.sampled_from([None, "last"]),
        usage_metadata=usages,
    ),
)
