"""A message comes back equal from every form, and each form can be read by others."""

from __future__ import annotations

import base64
import copy
import json
import math
import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
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
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from message_strategies import (
    Artifact,
    Colour,
    SignedMessage,
    Text,
    anything,
    chunks,
    mappings,
    messages,
    plain,
)

from langgraph_dualstore.archive import MessageRow
from langgraph_dualstore.cold import jsonable
from langgraph_dualstore.cold.messages import (
    STRICT,
    MessageColumns,
    content_key,
    from_document,
    from_sql,
    is_message,
    key_of,
    to_document,
    to_message,
    to_row,
    to_sql,
)
from langgraph_dualstore.errors import UnknownMessageType

AT = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
SERIALIZERS = {
    "strict": STRICT,
    "permissive": JsonPlusSerializer(allowed_msgpack_modules=True),
    "encrypting": EncryptedSerializer.from_pycryptodome_aes(key=b"0123456789abcdef"),
}
OWN_CLASSES = (
    *(HumanMessage, AIMessage, SystemMessage, ToolMessage, FunctionMessage, ChatMessage),
    *(HumanMessageChunk, AIMessageChunk, SystemMessageChunk, ToolMessageChunk),
    *(FunctionMessageChunk, ChatMessageChunk),
)
conversational = st.one_of(messages, chunks).filter(lambda m: not isinstance(m, RemoveMessage))
dict_messages = st.builds(
    lambda rest, who, content: {**rest, **who, "content": content},
    st.dictionaries(
        st.one_of(st.text(max_size=5), st.sampled_from(["$more", "turn", "original_type"])),
        anything,
        max_size=3,
    ),
    st.sampled_from(
        [{"role": "user"}, {"role": "assistant"}, {"type": "ai"}, {"type": "human", "role": "tool"}]
    ),
    st.one_of(st.none(), st.text(max_size=9), st.lists(mappings, max_size=2)),
)


def row_of(message: Any, **given: Any) -> MessageRow:
    return to_row(message, **{"channel": "messages", "key": "k", "created_at": AT, **given})


def through_jsonb(text: str) -> Any:
    """What `jsonb` does to a JSON text: numbers become `numeric`, keys change places."""

    def number(spelled: str) -> Any:
        numeric = Decimal(spelled)
        written = format(numeric or abs(numeric), "f")
        return float(written) if "." in written else int(written)

    def reordered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(sorted(pairs, key=lambda pair: (len(pair[0].encode()), pair[0])))

    text.encode()
    assert "\\u0000" not in text.replace("\\\\", "")
    return json.loads(
        text,
        parse_float=number,
        parse_int=number,
        parse_constant=pytest.fail,
        object_pairs_hook=reordered,
    )


def through_sql(row: MessageRow, serde: Any = STRICT) -> MessageRow:
    columns = to_sql(row, serde=serde)
    for text in (columns.key, columns.channel, columns.content):
        assert "\0" not in text
        text.encode()
    return from_sql(columns._replace(meta=through_jsonb(columns.meta)), serde=serde)


def expected(value: Any, serde: Any) -> Any:
    """The value itself, but what only the serializer can carry as it revives that."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return str(value)
    if type(value) is dict:
        return {expected(key, serde): expected(item, serde) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(expected(item, serde) for item in value)
    if type(value) in (int, bool, float):
        return value
    return serde.loads_typed(serde.dumps_typed(value))


def expected_message(message: Any, serde: Any) -> Any:
    if type(message) not in OWN_CLASSES:
        return serde.loads_typed(serde.dumps_typed(message))
    copy = message.model_copy()
    copy.__dict__.update(expected(message.__dict__, serde))
    if message.__pydantic_extra__:
        copy.__pydantic_extra__.update(expected(message.__pydantic_extra__, serde))
    return copy


def state(value: Any) -> Any:
    """A value with the types of all that is in it."""
    if isinstance(value, BaseMessage):
        return (type(value), state(value.__dict__), state(value.__pydantic_extra__))
    if isinstance(value, dict):
        items = [(state(key), state(item)) for key, item in value.items()]
        return (type(value), sorted(items, key=repr))
    if isinstance(value, list | tuple):
        return (type(value), [state(item) for item in value])
    return (type(value), repr(value) if type(value) is float else value)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("name", SERIALIZERS)
@settings(max_examples=150)
@given(message=conversational)
def test_a_message_comes_back_from_its_row_through_postgresql(name, message):
    serde = SERIALIZERS[name]
    row = row_of(message, serde=serde)
    assert json.loads(json.dumps(dict(row.meta))) == row.meta
    stored = through_sql(row, serde)
    assert stored == row
    back = to_message(stored, serde=serde)
    assert state(back) == state(expected_message(message, serde))
    if serde.loads_typed(serde.dumps_typed(message)) == message:
        assert back == message


@pytest.mark.parametrize("name", SERIALIZERS)
@settings(max_examples=100)
@given(message=conversational)
def test_a_message_comes_back_from_its_document(name, message):
    serde = SERIALIZERS[name]
    document = to_document(message, serde=serde)
    assert document["type"] == type(message).model_fields["type"].default
    back = from_document(json.loads(json.dumps(document)), serde=serde)
    assert state(back) == state(expected_message(message, serde))


@settings(max_examples=150)
@given(message=dict_messages)
def test_a_dict_comes_back_as_that_dict(message):
    row = row_of(message)
    assert row.meta["original_type"] == "dict"
    assert through_sql(row) == row
    assert state(to_message(through_sql(row))) == state(expected(message, STRICT))
    document = json.loads(json.dumps(to_document(message)))
    assert state(from_document(document)) == state(expected(message, STRICT))


@settings(max_examples=200)
@given(value=st.one_of(anything, st.floats(), st.decimals(allow_nan=False), st.integers()))
def test_any_value_comes_back_from_jsonb(value):
    text = jsonable.dumps({"value": jsonable.encode(value, STRICT)}, STRICT)
    back = jsonable.decode(through_jsonb(text)["value"], STRICT)
    assert state(back) == state(expected(value, STRICT)) or (
        type(value) is Decimal and back == value
    )


class Number(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ({"$ref": "#/a", "n": 1}, {"$ref": "#/a", "n": 1}),
        ({"$ref": "#/a"}, {"$dict": [["$ref", "#/a"]]}),
        ({'$a"b': 1}, {"$dict": [['$a"b', 1]]}),
        (["0e1,", "1e5]", "$ref", '"$ref":'], ["0e1,", "1e5]", "$ref", '"$ref":']),
        ([1e16], [{"$float": "1e+16"}]),
        ({"a": 1e-7, "b": 1}, {"a": {"$float": "1e-07"}, "b": 1}),
        ({1: 2}, {"$dict": [[1, 2]]}),
        (1.5, 1.5),
        (1e16, {"$float": "1e+16"}),
        (-0.0, {"$float": "-0.0"}),
        (math.inf, {"$float": "inf"}),
        (2**64 - 1, 2**64 - 1),
        (-(2**63) - 1, {"$int": "-8000000000000001"}),
        pytest.param(10**5000, {"$int": f"{10**5000:x}"}, id="5000 digits"),
        ("a\0", {"$text": "YQA="}),
        (b"a", {"$bytes": "YQ=="}),
        ((1, "a"), {"$tuple": [1, "a"]}),
        (AT, {"$datetime": "2024-05-06T07:08:09.123456+00:00"}),
        (UUID(int=7), {"$uuid": "00000000-0000-0000-0000-000000000007"}),
        (Decimal("1.10"), {"$decimal": "1.10"}),
        (Text("a"), "a"),
    ],
)
def test_what_json_cannot_carry_can_still_be_read(value, encoded):
    assert jsonable.encode(value, STRICT) == encoded
    assert state(jsonable.decode(encoded, STRICT)) == state(expected_scalar(value))


def expected_scalar(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


@pytest.mark.parametrize("value", [{1, 2}, frozenset("a"), Number.ONE, Colour.RED, Artifact()])
@pytest.mark.parametrize("name", SERIALIZERS)
def test_the_serializer_carries_the_rest(name, value):
    serde = SERIALIZERS[name]
    back = jsonable.decode(jsonable.encode(value, serde), serde)
    assert state(back) == state(serde.loads_typed(serde.dumps_typed(value)))


def test_values_may_be_deep():
    value: Any = ["end"]
    for place in range(200):
        value = (
            [value] if place % 2 else {"$down": (value,)} if place % 4 else {"down": value, 1: 2}
        )
    message = HumanMessage("a", additional_kwargs={"deep": value}, id="1")
    back = to_message(through_sql(row_of(message)))
    assert json.dumps(back.additional_kwargs) == json.dumps(message.additional_kwargs)


def test_a_value_that_holds_itself_is_refused():
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="cannot be archived"):
        row_of(HumanMessage("a", additional_kwargs={"loop": value}))


def test_nothing_is_pickled_and_no_pickle_is_read():
    serde = JsonPlusSerializer(pickle_fallback=True)
    with pytest.raises(ValueError, match="complex cannot be archived without pickle"):
        row_of(HumanMessage("a", own=1j), serde=serde)
    data = base64.b64encode(pickle.dumps(1)).decode()
    for type_ in ("pickle", "pickle+aes", "json"):
        row = replace(row_of(HumanMessage("a")), meta={"$exact": {"$serde": [type_, data]}})
        with pytest.raises(ValueError, match="not read from an archive"):
            to_message(row, serde=serde)


@pytest.mark.parametrize(
    ("message", "role", "type_"),
    [
        (HumanMessage("a"), "user", "human"),
        (AIMessage("a"), "assistant", "ai"),
        (AIMessageChunk("a"), "assistant", "AIMessageChunk"),
        (SystemMessage("a"), "system", "system"),
        (ToolMessage("a", tool_call_id="c"), "tool", "tool"),
        (FunctionMessage("a", name="f"), "tool", "function"),
        (ChatMessage("a", role="Assistant"), "assistant", "chat"),
        (ChatMessage("a", role="developer"), "system", "chat"),
        (ChatMessage("a", role="function"), "tool", "chat"),
        (ChatMessage("a", role="narrator"), "user", "chat"),
        (ChatMessageChunk("a", role="human"), "user", "ChatMessageChunk"),
        (SignedMessage("a", signature="s"), "user", "human"),
        ({"role": "user", "content": "a"}, "user", "dict"),
        ({"role": "developer", "content": "a"}, "system", "dict"),
        ({"role": "assistant", "content": None, "tool_calls": []}, "assistant", "dict"),
        ({"type": "ToolMessageChunk", "content": "a"}, "tool", "dict"),
        ({"type": "chat", "role": "narrator", "content": "a"}, "user", "dict"),
        ({"type": "message", "role": "ASSISTANT", "content": []}, "assistant", "dict"),
    ],
)
def test_who_speaks(message, role, type_):
    assert is_message(message)
    row = row_of(message)
    assert (row.role, row.meta["original_type"]) == (role, type_)


class Strange(BaseMessage):
    type: str = "strange"


@pytest.mark.parametrize(
    ("value", "named", "seems"),
    [
        (RemoveMessage(id="1"), "RemoveMessage", True),
        (Strange(content="a"), "'strange'", True),
        ({"role": "narrator", "content": "a"}, "narrator", False),
        ({"role": 5, "type": [], "content": "a"}, "5", False),
        ({"type": "remove", "content": ""}, "remove", False),
        ({"role": "user"}, "user", False),
        ({"role": "user", "content": 5}, "user", False),
        ({}, "no role", False),
        ("text", "builtins.str", False),
        (None, "NoneType", False),
        (("user", "hi"), "tuple", False),
    ],
)
def test_what_is_no_message_of_a_transcript(value, named, seems):
    assert is_message(value) is seems
    for convert in (row_of, to_document):
        with pytest.raises(UnknownMessageType, match=named):
            convert(value)


@pytest.mark.parametrize("type_", [None, "", "remove", 5, ["human"], "HumanMessage"])
def test_an_unknown_type_is_not_rebuilt(type_):
    with pytest.raises(UnknownMessageType):
        to_message(replace(row_of(HumanMessage("a")), meta={"original_type": type_}))
    with pytest.raises(UnknownMessageType):
        from_document({"type": type_, "content": "a"})


def test_a_document_is_flat_and_says_only_what_is_set():
    message = AIMessage(
        "Sunny.", id="1", turn=1, timestamp="2024-01-01T00:00:00", response_metadata={"model": "m"}
    )
    assert to_document(message) == {
        "type": "ai",
        "content": "Sunny.",
        "id": "1",
        "turn": 1,
        "timestamp": "2024-01-01T00:00:00",
        "response_metadata": {"model": "m"},
    }
    assert to_document(HumanMessage("hi")) == {"type": "human", "content": "hi"}
    assert to_document({"role": "assistant", "content": "hi"}) == {
        "type": "ai",
        "$added": ["type"],
        "role": "assistant",
        "content": "hi",
    }
    assert from_document({"type": "human", "content": "hi", "own": 1}) == HumanMessage("hi", own=1)


def test_a_documents_content_is_text_even_if_not_every_store_could_hold_it():
    document = to_document(HumanMessage("a\0b\ud800c"))
    assert document["content"] == "a\ufffdb\ufffdc"
    assert from_document(document).content == "a\0b\ud800c"
    assert from_document({**document, "content": "edited"}).content == "edited"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a", "a"),
        ([], ""),
        (["a", {"type": "text", "text": "b"}, "c"], "abc"),
        ([{"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"}], "b"),
        ([{"type": "reasoning", "text": "thought"}, {"type": "text", "text": 5}, {}], ""),
    ],
)
def test_a_rows_content_is_the_text(content, text):
    row = row_of(HumanMessage(content))
    assert row.content == text
    assert row.meta.get("content", row.content) == content
    assert to_message(row) == HumanMessage(content)


@pytest.mark.parametrize(
    ("turn", "column"),
    [(3, 3), (0, 0), (True, None), ("3", None), (2.0, None), (2**31, None), (None, None)],
)
def test_a_row_has_the_turn_that_the_message_names(turn, column):
    row = row_of(HumanMessage("a", turn=turn))
    assert row.turn == column
    # One that was counted is not the message's own.
    assert to_message(replace(row, turn=9)) == HumanMessage("a", turn=turn)
    assert to_message(replace(row_of(HumanMessage("a")), turn=9)) == HumanMessage("a")


@pytest.mark.parametrize(
    ("timestamp", "moment"),
    [
        ("2024-01-01T00:00:00", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01T00:00:00.5Z", datetime(2024, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)),
        ("2024-01-01T02:00:00+02:00", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01", datetime(2024, 1, 1, tzinfo=UTC)),
        (datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)),  # noqa: DTZ001
        (
            datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            datetime(2024, 1, 1, tzinfo=UTC),
        ),
        (1704067200, datetime(2024, 1, 1, tzinfo=UTC)),
        (1704067200.5, datetime(2024, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)),
        (1704067200000, datetime(2024, 1, 1, tzinfo=UTC)),
        *((odd, AT) for odd in ("yesterday", "", None, True, [], {}, math.nan, math.inf, 10**400)),
        ("0001-01-01T00:00:00+14:00", AT),
        ("9999-12-31T23:59:59-14:00", AT),
        (datetime.max.replace(tzinfo=UTC), AT),
    ],
)
def test_a_row_was_created_when_the_message_says(timestamp, moment):
    message = HumanMessage("a", timestamp=timestamp)
    row = row_of(message)
    assert row.created_at == moment
    assert row.created_at.tzinfo is not None
    assert state(to_message(through_sql(row))) == state(message)


def test_a_rows_timestamp_can_be_queried():
    assert row_of(HumanMessage("a", timestamp="2024-01-01")).meta["timestamp"] == "2024-01-01"


def usage(total: Any) -> Any:
    return {"input_tokens": 1, "output_tokens": 2, "total_tokens": total}


def test_tokens_are_those_of_the_usage_else_counted_else_unknown():
    used = AIMessage("a", usage_metadata=usage(3))
    assert row_of(used, count_tokens=lambda _: 9).token_count == 3
    assert row_of(AIMessage("a", usage_metadata=usage(0))).token_count == 0
    assert row_of(AIMessage("a")).token_count is None
    assert row_of(AIMessage("four"), count_tokens=lambda m: len(m.content)).token_count == 4
    assert row_of({"role": "ai", "content": "a", "usage_metadata": usage(3)}).token_count == 3


@pytest.mark.parametrize("total", [-1, 2**63, 1.5, True, "3", None])
def test_what_is_no_number_of_tokens_is_not_taken_for_one(total):
    message = AIMessage("a")
    message.usage_metadata = usage(total)
    assert row_of(message).token_count is None
    assert row_of(message, count_tokens=lambda _: 9).token_count == 9
    assert row_of(HumanMessage("a"), count_tokens=lambda _: total).token_count is None
    assert to_message(through_sql(row_of(message))) == message


def test_a_message_is_known_by_its_id():
    assert key_of(HumanMessage("a", id="1")) == "1"
    assert key_of({"role": "user", "content": "a", "id": "1"}) == "1"
    for message in (HumanMessage("a"), HumanMessage("a", id=""), {"id": 5}, {}, None):
        assert key_of(message) is None


@pytest.mark.parametrize("id_", ["a\0", "a\ud800", "a" * 201])
def test_an_id_that_is_no_good_as_a_key_has_a_stand_in(id_):
    key = key_of(HumanMessage("a", id=id_))
    assert key.startswith("sha256:")
    assert len(key) == 71
    assert key == key_of({"id": id_}) != key_of({"id": id_ + "b"})
    message = HumanMessage("a", id=id_)
    assert to_message(through_sql(row_of(message, key=key))) == message


def test_a_message_without_id_is_known_by_its_content():
    assert content_key(b"a", 0) == content_key(b"a", 0)
    assert len({content_key(b"a", 0), content_key(b"a", 1), content_key(b"b", 0)}) == 3
    assert len(content_key(b"a", 10**9)) < 200


RESERVED = ["original_type", "exact", "$exact", "$more", "$content", "$key", "$channel", "$added"]


@pytest.mark.parametrize(
    "name", [*RESERVED, "$", "$$exact", "$original_type", "", "a\0", "a\ud800"]
)
@pytest.mark.parametrize("value", ["human", {"$serde": ["msgpack", "wA=="]}, ["type"], None])
def test_attributes_may_have_any_name(name, value):
    attributed = HumanMessage("a", other=1)
    setattr(attributed, name, value)
    for message in (attributed, {"role": "user", "content": "a", name: value}):
        row = row_of(message)
        assert to_message(through_sql(row)) == message
        assert from_document(to_document(message)) == message


RAW_CALLS = [{"id": "c", "function": {"name": "f", "arguments": '{"x": 1}'}}]


@pytest.mark.parametrize(
    "change",
    [
        lambda m: setattr(m, "tool_calls", []),
        lambda m: m.tool_calls[0].__setitem__("own", 1),
        lambda m: m.tool_calls[0].pop("type"),
        lambda m: setattr(m, "usage_metadata", {"total_tokens": 3, "own": 1.5}),
        lambda m: setattr(m, "content", [{"type": "tool_call", "name": "g", "args": {}}]),
    ],
)
def test_no_validator_changes_a_message_on_its_way_back(change):
    message = AIMessage("a", id="1", additional_kwargs={"tool_calls": RAW_CALLS})
    assert message.tool_calls
    change(message)
    assert state(to_message(through_sql(row_of(message)))) == state(message)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize(
    "change",
    [
        lambda m: setattr(m, "name", 7),
        lambda m: setattr(m, "type", "human"),
        lambda m: setattr(m, "content", [1]),
        lambda m: setattr(m, "tool_calls", "none"),
        lambda m: m.__dict__.pop("name"),
    ],
)
def test_a_message_that_its_class_does_not_allow_is_what_the_serializer_makes_of_it(change):
    message = AIMessage("a", id="1")
    change(message)
    try:
        revived = STRICT.loads_typed(STRICT.dumps_typed(message))
    except Exception:
        pytest.skip("the serializer cannot carry it")
    assert state(to_message(through_sql(row_of(message)))) == state(revived)
    assert state(from_document(to_document(message))) == state(revived)


_NAMES = ["content", "id", "name", "tool_calls", "additional_kwargs", "role", "tool_call_id", "own"]
_TAGS = ["text", "float", "int", "bytes", "tuple", "dict", "datetime", "uuid", "decimal", "serde"]
_wild = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5), st.just("msgpack"), st.just("wA==")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=3), inner, max_size=2),
        st.builds(lambda tag, value: {f"${tag}": value}, st.sampled_from([*_TAGS, "x"]), inner),
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(
    type_=st.sampled_from(["human", "ai", "tool", "chat", "AIMessageChunk", "dict"]),
    meta=st.dictionaries(st.sampled_from([*_NAMES, *RESERVED]), _wild, max_size=3),
)
def test_what_nobody_wrote_is_refused(type_, meta):
    row = row_of(HumanMessage("a"))
    columns = to_sql(row)._replace(meta={**meta, "original_type": type_})
    for read in (
        lambda: to_message(replace(row, meta={**meta, "original_type": type_})),
        lambda: to_message(from_sql(columns)),
        lambda: from_document({"type": type_, **meta}),
    ):
        try:
            back = read()
        except ValueError:
            continue
        assert is_message(back) or isinstance(back, dict)
        repr(back)


@pytest.mark.parametrize("meta", ["[]", "5", "{", "null"])
def test_columns_whose_meta_is_no_object_are_refused(meta):
    with pytest.raises(ValueError):
        from_sql(to_sql(row_of(HumanMessage("a")))._replace(meta=meta))


def test_a_nest_that_nobody_wrote_is_refused():
    nest: Any = []
    for _ in range(5000):
        nest = [nest]
    with pytest.raises(ValueError):
        to_message(replace(row_of(HumanMessage("a")), meta={"original_type": "human", "x": nest}))


def test_texts_that_postgresql_refuses_are_replaced_there_and_come_back():
    row = row_of(HumanMessage("a\0b\ud800"), channel="c\0", key="k\udfff")
    columns = to_sql(row)
    assert columns.content == "a\ufffdb\ufffd"
    assert columns.channel.startswith("c\ufffd")
    assert columns.key.startswith("k\ufffd")
    assert from_sql(columns) == row
    # Those that look the same are told apart.
    assert columns.channel != to_sql(replace(row, channel="c\ufffd")).channel
    assert columns.channel != to_sql(replace(row, channel="c\ud800")).channel


def test_a_long_channel_fits_an_index():
    row = row_of(HumanMessage("a"), channel="👋" * 5000)
    assert len(to_sql(row).channel.encode()) < 2000
    assert from_sql(to_sql(row)) == row


def test_a_text_that_was_changed_in_its_column_stays_changed():
    columns = to_sql(row_of(HumanMessage("secret\0")))
    row = from_sql(columns._replace(content="[redacted]"))
    assert row.content == "[redacted]"
    assert to_message(row) == HumanMessage("[redacted]")


def test_a_row_that_was_redacted_gives_the_redacted_message():
    row = row_of(HumanMessage("secret\0", id="1"))
    assert "secret" not in repr(to_sql(replace(row, content="…")))
    assert to_message(through_sql(replace(row, content="…"))) == HumanMessage("…", id="1")


@pytest.mark.parametrize(
    "added",
    [{"note": "a\0b"}, {"note\0": 1}, {"note": "\ud800"}, {"note": AT}, {"note": 2**70}, {1: 2}],
)
def test_what_a_redaction_adds_can_be_stored(added):
    row = row_of(HumanMessage("a", own={"$ref": 1}))
    back = to_message(through_sql(replace(row, meta=MappingProxyType({**row.meta, **added}))))
    assert back.own == {"$ref": 1}
    assert len(back.__pydantic_extra__) == 2


def test_columns_are_read_as_text_or_as_the_object_it_spells():
    row = row_of(AIMessage("a", id="1", own={"x": [1.5]}))
    columns = to_sql(row)
    assert isinstance(columns, MessageColumns)
    assert from_sql(columns) == from_sql(columns._replace(meta=json.loads(columns.meta))) == row


def test_the_rest_of_a_row_is_a_mapping_that_nobody_changes():
    calls = [{"name": "look", "args": {"at": "it"}, "id": "1", "type": "tool_call"}]
    meta = row_of(AIMessage("a", id="1", tool_calls=calls)).meta
    spelled_out = {"original_type": "ai", "id": "1", "tool_calls": calls}
    assert meta == spelled_out
    assert spelled_out == meta
    assert meta != {**spelled_out, "id": "2"}
    assert (len(meta), list(meta), meta.get("name")) == (3, list(spelled_out), None)
    assert repr(meta) == repr(spelled_out)
    assert json.loads(json.dumps(dict(meta))) == copy.deepcopy(meta) == spelled_out
    with pytest.raises(TypeError):
        meta["id"] = "2"


@pytest.mark.parametrize("odd", [(1, 2), (), math.inf, -math.inf, 1e300, -0.0, 10**30, "(", "\x7f"])
@pytest.mark.parametrize("nested", [False, True])
def test_what_json_would_change_comes_back_as_it_was(odd, nested):
    """`(` and 7f are what gives a tuple and an infinity away, and may be in any text."""
    message = HumanMessage("a", additional_kwargs={"odd": [{"deep": odd}] if nested else odd})
    back = to_message(through_sql(row_of(message)))
    assert back == message
    assert repr(back) == repr(message)


def test_a_row_shares_nothing_with_its_message():
    message = AIMessage("a", additional_kwargs={"deep": {"list": [1]}})
    row, document = row_of(message), to_document(message)
    back = to_message(row)
    back.additional_kwargs["deep"]["list"].append(2)
    message.additional_kwargs["deep"]["list"].append(3)
    assert row.meta["additional_kwargs"] == {"deep": {"list": [1]}}
    assert document["additional_kwargs"] == {"deep": {"list": [1]}}
    to_message(row).tool_calls.append({})
    assert to_message(row).tool_calls == []


@pytest.mark.parametrize("filler", ["a", "é👋🏽", "\0", "\ud800x"])
def test_a_huge_text(filler):
    text = filler * (5_000_000 // len(filler))
    message = HumanMessage(text, id="1", own=text)
    assert to_message(from_sql(to_sql(row_of(message)))) == message
    assert from_document(to_document(message)) == message


@settings(max_examples=60)
@given(message=conversational, kwargs=st.dictionaries(st.text(max_size=3), plain, max_size=3))
def test_the_same_without_a_faster_json(message, kwargs):
    row = row_of(message)
    row = replace(row, meta={**row.meta, "kwargs": jsonable.encode(kwargs, STRICT)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonable, "_fast_json", jsonable._json)
        slow = to_sql(row)
    assert from_sql(slow) == from_sql(to_sql(row)) == row
