"""The short way to a message's bytes and back gives exactly what the serializer gives."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.serde.base import maybe_add_typed_methods
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from message_strategies import Artifact, anything, messages, plainly_classed

from langgraph_dualstore.serialization import Codec, Revived
from langgraph_dualstore.serialization.msgpack import element_bodies, list_header


class ReversingSerializer(JsonPlusSerializer):
    """Somebody's own serializer: its bytes are not JsonPlusSerializer's."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        type_, data = super().dumps_typed(obj)
        return type_, data[::-1]

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        return super().loads_typed((data[0], data[1][::-1]))


class UntypedSerializer:
    """A serializer of the older protocol."""

    def dumps(self, obj: Any) -> bytes:
        return JsonPlusSerializer().dumps_typed(obj)[1]

    def loads(self, data: bytes) -> Any:
        return JsonPlusSerializer().loads_typed(("msgpack", data))


ARTIFACT = (Artifact.__module__, Artifact.__name__)
SERIALIZERS = {
    "strict": JsonPlusSerializer(allowed_msgpack_modules=None),
    "permissive": JsonPlusSerializer(allowed_msgpack_modules=True),
    "allowlist": JsonPlusSerializer(allowed_msgpack_modules=[ARTIFACT]),
    "pickle": JsonPlusSerializer(pickle_fallback=True),
    "own hook": JsonPlusSerializer(__unpack_ext_hook__=lambda code, data: (code, data)),
    "subclass": ReversingSerializer(),
    "encrypting": EncryptedSerializer.from_pycryptodome_aes(key=b"0123456789abcdef"),
}
DETERMINISTIC = [name for name in SERIALIZERS if name != "encrypting"]


def state(value: Any) -> Any:
    """Everything that makes a message what it is, for messages anywhere in a value."""
    if hasattr(value, "__pydantic_fields_set__"):
        return (
            type(value),
            state(value.__dict__),
            state(value.__pydantic_extra__),
            value.__pydantic_fields_set__,
        )
    if isinstance(value, dict):
        return [(type(key), key, state(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return (type(value), [state(item) for item in value])
    return (type(value), value)


@pytest.mark.parametrize("name", DETERMINISTIC)
@settings(max_examples=60)
@given(value=st.one_of(messages, st.lists(messages, max_size=4), anything))
def test_the_same_bytes_and_the_same_objects(name, value):
    serde = SERIALIZERS[name]
    codec = Codec(serde)
    expected = serde.dumps_typed(value)
    assert codec.dumps(value) == expected
    assert state(codec.loads(expected)) == state(serde.loads_typed(expected))


@settings(max_examples=40)
@given(value=st.lists(messages, max_size=3))
def test_an_encrypting_serializer_encrypts_all_and_gives_back_the_same(value):
    serde = SERIALIZERS["encrypting"]
    codec = Codec(serde)
    typed = codec.dumps(value)
    assert typed[0].endswith("+aes")
    assert state(codec.loads(typed)) == state(serde.loads_typed(serde.dumps_typed(value)))


def test_the_short_way_is_taken_for_the_messages_of_conversations():
    codec = Codec(SERIALIZERS["strict"])
    assert set(codec._shapes) == {HumanMessage, SystemMessage, AIMessage, ToolMessage}


@pytest.mark.parametrize("name", ["own hook", "subclass", "encrypting"])
def test_the_short_way_is_not_taken_with_serializers_that_differ(name):
    assert not Codec(SERIALIZERS[name])._shapes


def test_a_serializer_of_the_older_protocol_serves():
    codec = Codec(maybe_add_typed_methods(UntypedSerializer()))
    message = HumanMessage("a", id="1")
    assert codec.loads(codec.dumps([message])) == [message]


MUTATIONS = {
    "content": lambda m: setattr(m, "content", "other"),
    "to a number": lambda m: m.additional_kwargs.__setitem__("n", 1),
    "1 to True": lambda m: m.additional_kwargs.__setitem__("one", True),
    "1 to 1.0": lambda m: m.additional_kwargs.__setitem__("one", 1.0),
    "nested": lambda m: m.additional_kwargs["deep"]["list"].append(2),
    "order of keys": lambda m: m.additional_kwargs.__setitem__(
        "one", m.additional_kwargs.pop("one")
    ),
    "custom attribute": lambda m: setattr(m, "turn", 2),
    "id": lambda m: setattr(m, "id", "2"),
    "invalid type": lambda m: setattr(m, "name", 7),
    "unknown key of a tool call": lambda m: m.tool_calls[0].__setitem__("own", 1),
    "tool call without type": lambda m: m.tool_calls[0].pop("type"),
    "pydantic in kwargs": lambda m: m.additional_kwargs.__setitem__("a", Artifact()),
    "content of parts": lambda m: setattr(m, "content", ["a", {"b": 1}]),
    "content of neither": lambda m: setattr(m, "content", [1]),
    "usage out of order": lambda m: setattr(
        m, "usage_metadata", {"total_tokens": 3, "input_tokens": 1, "output_tokens": 2}
    ),
    "usage of another type": lambda m: m.usage_metadata.__setitem__("total_tokens", 1.5),
}


def ai_message() -> AIMessage:
    return AIMessage(
        "a",
        id="1",
        turn=1,
        additional_kwargs={"one": 1, "deep": {"list": [1]}},
        tool_calls=[{"name": "f", "args": {}, "id": "c"}],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    )


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_message_mutated_in_place_is_what_the_serializer_makes_of_it(mutation):
    serde = SERIALIZERS["permissive"]
    codec = Codec(serde)
    message = ai_message()
    MUTATIONS[mutation](message)
    expected = serde.dumps_typed(message)
    assert codec.dumps(message) == expected
    assert state(codec.loads(expected)) == state(serde.loads_typed(expected))


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_fingerprint_sees_every_change(mutation):
    codec = Codec(SERIALIZERS["strict"])
    value = [HumanMessage("q"), ai_message()]
    before = codec.fingerprint(value, None)
    assert before is not None
    assert codec.fingerprint([*value, HumanMessage("more")], before.fingerprint).unchanged
    MUTATIONS[mutation](value[1])
    after = codec.fingerprint(value, before.fingerprint)
    assert after is None or not after.unchanged


@settings(max_examples=60)
@given(value=st.lists(plainly_classed, min_size=1, max_size=4), data=st.data())
def test_a_fingerprint_holds_exactly_while_the_bytes_do(value, data):
    codec = Codec(SERIALIZERS["strict"])
    before = codec.fingerprint(value, None)
    now = copy.deepcopy(value)
    if data.draw(st.booleans()):
        now[data.draw(st.integers(0, len(now) - 1))] = data.draw(plainly_classed)
    if before is None:
        return
    after = codec.fingerprint(now, before.fingerprint)
    same = codec.dumps_messages(value) == codec.dumps_messages(now)
    assert same or after is None or not after.unchanged


@settings(max_examples=60)
@given(value=st.lists(plainly_classed, min_size=1, max_size=4))
def test_a_fingerprint_can_be_told_from_the_bytes(value):
    codec = Codec(SERIALIZERS["strict"])
    elements = codec.dumps_messages(value)
    from_bytes = codec.fingerprint_of(b"".join(elements), len(value))
    assert codec.loads_list(b"".join(elements), len(value))[1] in (from_bytes, None)
    from_messages = codec.fingerprint(value, from_bytes)
    if from_messages is not None and all(codec._encode_message(m) for m in value):
        assert from_messages.unchanged
        assert from_messages.fingerprint == from_bytes


@given(value=st.lists(messages, max_size=20))
def test_a_lists_elements_are_found(value):
    serde = SERIALIZERS["strict"]
    elements = elements_of(value)
    ends = [end for _, end in element_bodies(elements, len(value))]
    begins = [0, *ends]
    cut = [elements[a:b] for a, b in zip(begins, ends, strict=False)]
    assert cut == [serde.dumps_typed(message)[1] for message in value]


@pytest.mark.parametrize("name", ["strict", "permissive", "allowlist"])
@settings(max_examples=60)
@given(value=st.lists(messages, max_size=6))
def test_a_list_of_elements_is_what_the_serializer_makes_of_it(name, value):
    serde = SERIALIZERS[name]
    typed = serde.dumps_typed(value)
    elements = typed[1][len(list_header(len(value))) :]
    found, _ = Codec(serde).loads_list(elements, len(value))
    assert state(found) == state(serde.loads_typed(typed))


@settings(max_examples=60)
@given(value=st.lists(messages, min_size=1, max_size=6), data=st.data())
def test_what_was_read_before_is_read_alike(value, data):
    codec = Codec(SERIALIZERS["strict"])
    before = data.draw(st.integers(1, len(value)))
    known = as_read_before(codec, value[:before])
    now = [*value, *data.draw(st.lists(messages, max_size=2))]
    if data.draw(st.booleans()):
        now[data.draw(st.integers(0, len(now) - 1))] = data.draw(messages)
    found, _ = codec.loads_list(elements_of(now), len(now), known)
    assert state(found) == state(codec.serde.loads_typed(codec.serde.dumps_typed(now)))


def test_other_bytes_than_those_that_were_read_before_are_looked_at():
    codec = Codec(SERIALIZERS["strict"])
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    said = [AIMessage("a", usage_metadata=usage)]
    elements = elements_of(said)
    coerced = elements.replace(b"input_tokens\x01", b"input_tokens\xc3")  # True
    assert coerced != elements
    found, _ = codec.loads_list(coerced, 1, as_read_before(codec, said))
    assert type(found[0].usage_metadata["input_tokens"]) is int


def as_read_before(codec, value):
    fingerprint = codec.loads_list(elements_of(value), len(value))[1]
    return fingerprint and Revived(len(value), fingerprint)


def elements_of(value):
    return SERIALIZERS["strict"].dumps_typed(value)[1][len(list_header(len(value))) :]


@pytest.mark.parametrize("elements", [b"\x01", b"\xc7\x01\x05", b"\xc9\xff\xff\xff\xff\x05a", b""])
def test_what_are_no_elements_are_not_taken_for_some(elements):
    assert element_bodies(elements, 1) is None


@pytest.mark.parametrize("count", [0, 15, 16, 65535, 65536])
def test_a_lists_header_is_the_serializers(count):
    data = SERIALIZERS["strict"].dumps_typed([None] * count)[1]
    assert data[: len(list_header(count))] == list_header(count)


def test_ext_sizes_at_every_boundary():
    serde = SERIALIZERS["strict"]
    codec = Codec(serde)
    base = len(serde.dumps_typed(HumanMessage(""))[1])
    for size in [*range(256 - base - 8, 256 - base + 8), 65535 - base, 65536 - base, 70000]:
        message = HumanMessage("x" * max(size, 0))
        assert codec.dumps(message) == serde.dumps_typed(message)
