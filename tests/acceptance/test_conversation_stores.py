"""What every store of conversations does, whether it keeps them in memory or in Redis."""

import copy
import enum
import inspect
import json
import re
from collections import OrderedDict, UserDict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from conversation_stores import InMemory, InRedis, opened
from hypothesis import given, settings
from hypothesis import strategies as st

from langgraph_dualstore import (
    ConfigurationError,
    ConversationStore,
    DualStoreError,
    InMemoryConversationStore,
    RedisConversationStore,
    UnserializableState,
)

STATE = {
    "active_agent": "billing",
    "conversation_history": [
        {"role": "User", "content": "Where is my parcel? 📦"},
        {"role": "Agent", "content": "On its way, Zoë.\n"},
    ],
    "agent_specific_state": {"billing": {"attempts": 2, "score": 0.1, "done": False}},
    "last_interaction_timestamp": "2024-01-01T00:00:00+00:00",
    "any other field": None,
}

HOUR = 3600

HOSTILE = [
    "*",
    "?",
    "[a-z]*",
    "\\",
    "session:session:",
    "a:b",
    "../../etc/passwd",
    "{other}",
    "%",
    "%41",
    "A",
    "one\r\nFLUSHALL\r\n",
    "\0",
    "a\0b",
    "\ud800",
    "\udcff",
    "naïve — ключ 🔑",
    " ",
    "'; return redis.call('FLUSHALL') --",
    "x" * 5000,
]


class Role(enum.StrEnum):
    USER = "User"


class Level(enum.IntEnum):
    HIGH = 3


class Plain(enum.Enum):
    ONE = 1


@pytest.fixture(params=["memory", "redis"])
def place(request):
    if request.param == "memory":
        return InMemory()
    url = request.getfixturevalue("redis_url")
    return InRedis(request.getfixturevalue("redis_client"), url)


@pytest.fixture(params=["sync", "async"])
def open_store(request, place):
    return lambda **options: opened(place, request.param, **options)


@pytest.fixture
def store(open_store):
    with open_store() as store:
        yield store


def test_what_was_saved_is_read(store):
    session = store.create_new_session_id()
    store.save_state(session, STATE)
    assert store.get_state(session) == STATE
    store.save_state(session, {"active_agent": None})
    assert store.get_state(session) == {"active_agent": None}


def test_a_session_that_nobody_saved_is_none(store):
    session = store.create_new_session_id()
    assert store.get_state(session) is None
    assert store.get_all_session_ids() == []
    assert store.delete_state(session) is False
    assert store.extend_ttl(session) is False


def test_new_session_ids_are_uuids_of_their_own(store):
    sessions = {store.create_new_session_id() for _ in range(100)}
    assert len(sessions) == 100
    assert all(str(UUID(session)) == session for session in sessions)


def test_a_deleted_session_is_gone(store):
    store.save_state("one", STATE)
    store.save_state("other", STATE)
    assert store.delete_state("one") is True
    assert store.get_state("one") is None
    assert store.get_all_session_ids() == ["other"]
    assert store.delete_state("one") is False


def test_an_empty_state_is_a_state(store):
    store.save_state("one", {})
    assert store.get_state("one") == {}
    assert store.get_all_session_ids() == ["one"]


def test_nothing_is_shared_with_what_was_saved_or_read(store):
    state = copy.deepcopy(STATE)
    store.save_state("one", state)
    state["conversation_history"].append("changed")
    state["agent_specific_state"]["billing"]["attempts"] = 99
    read = store.get_state("one")
    assert read == STATE
    read["agent_specific_state"].clear()
    assert store.get_state("one") == STATE


def test_saving_does_not_change_what_is_saved(store):
    state = {"at": datetime(2024, 1, 1, tzinfo=UTC), "pair": (1, 2), "n": np.int64(3)}
    store.save_state("one", state)
    assert state["pair"] == (1, 2)
    assert isinstance(state["at"], datetime)
    assert isinstance(state["n"], np.int64)


CONVERTED = {
    "aware": (datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2024-01-02T03:04:05.000006+00:00"),
    "naive": (datetime(2024, 1, 2, 3, 4), "2024-01-02T03:04:00"),  # noqa: DTZ001
    "date": (date(2024, 1, 2), "2024-01-02"),
    "time": (datetime(2024, 1, 2, 3, 4).time(), "03:04:00"),  # noqa: DTZ001
    "int64": (np.int64(-5), -5),
    "uint8": (np.uint8(255), 255),
    "float32": (np.float32(0.5), 0.5),
    "float64": (np.float64(0.1), 0.1),
    "bool_": (np.bool_(True), True),
    "str_": (np.str_("text"), "text"),
    "datetime64": (np.datetime64("2024-01-02T03:04:05.123456789"), "2024-01-02T03:04:05.123456789"),
    "array of no dimension": (np.array(7), 7),
    "tuple": ((1, (2,)), [1, [2]]),
    "named key": ({Role.USER: 1, np.str_("b"): 2}, {"User": 1, "b": 2}),
    "text enum": (Role.USER, "User"),
    "number enum": (Level.HIGH, 3),
    "OrderedDict": (OrderedDict(a=1), {"a": 1}),
    "UserDict": (UserDict(a=1), {"a": 1}),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_what_json_has_a_form_for_takes_it(store, name):
    value, expected = CONVERTED[name]
    store.save_state("one", {"agent_specific_state": {"value": [value]}})
    [read] = store.get_state("one")["agent_specific_state"]["value"]
    assert read == expected
    assert type(read) is type(expected)


EXACT = {
    "NUL": "a\0b",
    "half a character": "\ud83d and \ude00",
    "line separators": "\u2028\u2029\x7f\x1b",
    "beyond the BMP": "🙂" * 3,
    "a number as text": "1",
    "-0.0": -0.0,
    "smallest": 5e-324,
    "largest": 1.7976931348623157e308,
    "a large number": 10**3000,
    "nested": json.loads("[" * 90 + "]" * 90),
    "empty key": {"": {"": []}},
    "odd keys": {"a.b": 1, "\0": 2, "\ud800": 3, "[0]": 4},
}


@pytest.mark.parametrize("name", EXACT)
def test_odd_values_are_kept_exactly(store, name):
    store.save_state("one", {"value": EXACT[name]})
    read = store.get_state("one")["value"]
    assert read == EXACT[name]
    assert repr(read) == repr(EXACT[name])


def test_the_same_object_twice_is_no_cycle(store):
    shared = ["shared"]
    store.save_state("one", {"a": shared, "b": {"c": shared}, "d": [shared, shared]})
    assert store.get_state("one")["d"] == [shared, shared]


def test_a_state_of_five_megabytes_is_kept(store):
    state = {"text": "ü" * 2_500_000, "list": list(range(100_000))}
    store.save_state("one", state)
    assert store.get_state("one") == state


CYCLE = {"list": []}
CYCLE["list"].append(CYCLE)

REFUSED = {
    "handle": (
        {"agent_specific_state": {"pending": [1, 2, {"handle": object()}]}},
        "agent_specific_state.pending[2].handle",
        "of type object",
    ),
    "bytes": ({"raw": b"secret"}, "raw", "of type bytes"),
    "set": ({"tags": {"a"}}, "tags", "of type set"),
    "decimal": ({"price": Decimal("1.5")}, "price", "of type decimal.Decimal"),
    "timedelta": ({"took": timedelta(1)}, "took", "of type datetime.timedelta"),
    "path": ({"where": [[Path()]]}, "where[0][0]", "pathlib"),
    "plain enum": ({"role": Plain.ONE}, "role", "Plain"),
    "array": ({"vector": np.zeros(3)}, "vector", "of type numpy.ndarray"),
    "complex": ({"z": np.complex64(1)}, "z", "of type numpy.complex64"),
    "duration of numpy": ({"took": np.timedelta64(1, "ns")}, "took", "numpy.timedelta64"),
    "no time of numpy": ({"at": np.datetime64("NaT")}, "at", "numpy.datetime64"),
    "NaN": ({"score": float("nan")}, "score", "is nan"),
    "infinity": ({"scores": [1.0, float("-inf")]}, "scores[1]", "is -inf"),
    "NaN of numpy": ({"score": np.float32("nan")}, "score", "is nan"),
    "number as key": ({"by_turn": {1: "a"}}, "by_turn", "the key 1 of type int"),
    "None as key of the state": ({None: 1}, "", "the key None of type NoneType"),
    "odd names": ({"a b": {"c.d": [set()]}}, "['a b']['c.d'][0]", "of type set"),
    "halves that would be joined": ({"text": "\ud83d\ude00"}, "text", "two halves"),
    "endless number": ({"n": 10**5000}, "n", "4,000 digits"),
    "cycle": (CYCLE, "list[0]", "contains itself"),
    "too deep": ({"deep": json.loads("[" * 200 + "]" * 200)}, "deep" + "[0]" * 99, "nested"),
    "a function": ({"call": print}, "call", "builtin_function_or_method"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_json_cannot_carry_is_an_error_that_names_the_field(store, name):
    state, field, reason = REFUSED[name]
    store.save_state("one", STATE)
    with pytest.raises(UnserializableState, match=re.escape(reason)) as raised:
        store.save_state("one", state)
    assert raised.value.field == field
    assert (field or "the state") in str(raised.value)
    assert "secret" not in str(raised.value)
    assert isinstance(raised.value, DualStoreError)
    assert isinstance(raised.value, ValueError)
    assert store.get_state("one") == STATE


@pytest.mark.parametrize("state", [None, [], "text", 1])
def test_a_state_is_a_dict(store, state):
    with pytest.raises(UnserializableState, match="must be a dict"):
        store.save_state("one", state)
    assert store.get_all_session_ids() == []


def test_a_session_lives_for_an_hour(store, place):
    store.save_state("one", STATE)
    place.let_pass(HOUR - 10)
    assert store.get_state("one") == STATE
    assert store.get_all_session_ids() == ["one"]
    place.let_pass(10)
    assert store.get_state("one") is None
    assert store.get_all_session_ids() == []
    assert store.delete_state("one") is False
    assert store.extend_ttl("one") is False


def test_saving_gives_it_the_hour_again_and_reading_does_not(store, place):
    for session in ("saved", "read"):
        store.save_state(session, STATE)
    place.let_pass(HOUR - 10)
    store.save_state("saved", {})
    store.get_state("read")
    place.let_pass(HOUR - 10)
    assert store.get_all_session_ids() == ["saved"]
    assert store.get_state("read") is None


def test_extending_gives_it_the_hour_again(store, place):
    store.save_state("one", STATE)
    place.let_pass(HOUR - 10)
    assert store.extend_ttl("one") is True
    place.let_pass(HOUR - 10)
    assert store.get_state("one") == STATE


@pytest.mark.parametrize("ttl", [2 * HOUR, 7200.0, timedelta(hours=2), {"default_ttl": 120}])
def test_extending_by_more_lasts_as_long_and_saving_does_not_shorten_it(store, place, ttl):
    store.save_state("one", STATE)
    assert store.extend_ttl("one", ttl) is True
    store.save_state("one", {"later": True})
    place.let_pass(2 * HOUR - 10)
    assert store.get_state("one") == {"later": True}
    place.let_pass(10)
    assert store.get_state("one") is None


def test_extending_by_less_changes_nothing(store, place):
    store.save_state("one", STATE)
    assert store.extend_ttl("one", 1) is True
    place.let_pass(HOUR - 10)
    assert store.get_state("one") == STATE


def test_the_ttl_can_be_chosen(open_store, place):
    with open_store(ttl=timedelta(minutes=1)) as store:
        store.save_state("one", STATE)
        place.let_pass(50)
        assert store.get_state("one") == STATE
        place.let_pass(10)
        assert store.get_state("one") is None


def test_without_a_ttl_a_session_stays(open_store, place):
    with open_store(ttl=None) as store:
        store.save_state("one", STATE)
        assert store.extend_ttl("one", 5) is True
        place.let_pass(100 * 365 * 24 * HOUR)
        assert store.get_state("one") == STATE


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), float("inf"), "3600", True, 10**30])
def test_a_ttl_that_is_none_is_refused(open_store, ttl):
    with pytest.raises(ConfigurationError, match="ttl"), open_store(ttl=ttl):
        pass
    with open_store() as store:
        store.save_state("one", STATE)
        with pytest.raises(ConfigurationError, match="ttl"):
            store.extend_ttl("one", ttl)


def test_hostile_session_ids_are_just_names(store):
    for number, session in enumerate(HOSTILE):
        store.save_state(session, {"number": number})
    assert sorted(store.get_all_session_ids()) == sorted(HOSTILE)
    for number, session in enumerate(HOSTILE):
        assert store.get_state(session) == {"number": number}
        assert store.extend_ttl(session, HOUR)
        assert store.delete_state(session)
        assert store.get_state(session) is None
        assert len(store.get_all_session_ids()) == len(HOSTILE) - number - 1


@pytest.mark.parametrize("session", ["", None, b"one", 5, ["one"]])
def test_what_is_no_session_id_is_refused(store, session):
    for call in (
        lambda: store.get_state(session),
        lambda: store.save_state(session, STATE),
        lambda: store.delete_state(session),
        lambda: store.extend_ttl(session),
    ):
        with pytest.raises(ConfigurationError, match="session id"):
            call()
    assert store.get_all_session_ids() == []


def test_a_uuid_is_a_session_id(store):
    session = UUID(store.create_new_session_id())
    store.save_state(session, STATE)
    assert store.get_state(str(session)) == STATE
    assert store.get_all_session_ids() == [str(session)]


def test_threads_may_use_it_at_once(place):
    with place.open() as store:

        def talk(number):
            for turn in range(50):
                store.save_state(f"{number}", {"turn": turn})
                store.save_state("shared", {"by": number, "again": number})
                assert store.get_state(f"{number}") == {"turn": turn}
                shared = store.get_state("shared")
                assert shared["by"] == shared["again"]
                store.extend_ttl("shared", 2 * HOUR)
                store.get_all_session_ids()

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(talk, range(4)))
        assert sorted(store.get_all_session_ids()) == ["0", "1", "2", "3", "shared"]


async def test_with_closes_a_store_and_closing_twice_is_no_error(place):
    async with place.open() as store:
        await store.asave_state("one", STATE)
        assert await store.aget_state("one") == STATE
    await store.aclose()
    store.close()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_any_json_is_read_as_it_was_saved(state):
    store = InMemoryConversationStore()
    store.save_state("one", state)
    assert repr(store.get_state("one")) == repr(state)


def test_memory_forgets_what_expired_though_nobody_asks_for_it():
    place = InMemory()
    store = place.open()
    for number in range(5000):
        store.save_state(f"{number}", STATE)
        place.let_pass(HOUR / 100)
    assert len(store.get_all_session_ids()) == 99
    assert len(store._sessions) == 99
    for number in range(400):
        store.save_state(f"{number}", STATE)
        place.let_pass(HOUR / 100)
    assert len(store._sessions) <= 300


@pytest.mark.parametrize("cls", [InMemoryConversationStore, RedisConversationStore])
def test_every_method_has_an_async_twin_of_the_same_signature(cls):
    names = ConversationStore.__abstractmethods__
    assert names == {
        "get_state",
        "save_state",
        "delete_state",
        "extend_ttl",
        "get_all_session_ids",
    }
    for name in {*names, "close"}:
        twin = getattr(cls, f"a{name}")
        assert inspect.iscoroutinefunction(twin)
        assert inspect.signature(twin) == inspect.signature(getattr(cls, name))
