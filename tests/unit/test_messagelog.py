"""Whatever becomes of a value, what is stored of it reads back as what the serializer gives."""

import copy

import pytest
from conversations import message, messages
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from state_strategies import CHANGES, message_lists, values

from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.messagelog import (
    FRESH_BYTES,
    INLINE_BYTES,
    MAX_RUNS,
    Appendix,
    Known,
    keep,
    place,
)
from langgraph_dualstore.hot.records import Run, resolve_runs
from langgraph_dualstore.serialization import Codec
from langgraph_dualstore.serialization.msgpack import list_header

SERDE = JsonPlusSerializer()


class Log:
    """A thread's log as the server keeps it, and one channel of it as a process knows it."""

    def __init__(self):
        self.codec = Codec(SERDE)
        self.bytes = bytearray(b"what was there before")
        self.copy = LogCopy()
        self.copy.add(0, bytes(self.bytes))
        self.known = None

    def append(self, data):
        position = len(self.bytes)
        self.bytes += data
        self.copy.add(position, data)
        return position

    def put(self, value):
        """Stores a value as the next version; returns how many bytes that appended."""
        appendix = Appendix()
        placed = place(self.codec, value, self.known, appendix)
        return self.store(placed.stored, placed.fingerprint, bytes(appendix))

    def keep(self):
        appendix = Appendix()
        return self.store(keep(self.known.stored, appendix), None, bytes(appendix))

    def store(self, stored, fingerprint, appended):
        position = self.append(appended)
        stored = stored._replace(runs=resolve_runs(stored.runs, position))
        self.known = Known(stored, fingerprint, self.copy)
        return len(appended)

    def forget_fingerprint(self):
        """As if another process had written it."""
        self.known = self.known._replace(fingerprint=None)

    def forget_bytes(self):
        """As if the process had not read it."""
        self.known = self.known._replace(log=LogCopy())

    def read(self, stored=None):
        stored = stored or self.known.stored
        if stored.inline is not None:
            return stored.type, stored.inline
        data = b"".join(self.bytes[run.start : run.end] for run in stored.runs)
        return stored.type, data if stored.items is None else list_header(stored.items) + data


forgetful = st.sampled_from(["nothing", "nothing", "fingerprint", "bytes", "all"])
steps = st.lists(
    st.tuples(st.sampled_from(sorted(CHANGES)), message_lists, st.binary(max_size=3), forgetful),
    max_size=8,
)


@given(message_lists, steps)
def test_a_list_reads_back_after_any_changes_as_does_each_version_before(first, changes):
    log = Log()
    log.put(first)
    versions = [(log.known.stored, SERDE.dumps_typed(first))]
    items = first
    for change, new, between, forgotten in changes:
        if between:  # another channel's bytes
            log.append(between)
        if forgotten == "all":
            log.known = None
        elif forgotten == "fingerprint":
            log.forget_fingerprint()
        elif forgotten == "bytes":
            log.forget_bytes()
        items = CHANGES[change](items, copy.deepcopy(new))
        log.put(items)
        versions.append((log.known.stored, SERDE.dumps_typed(items)))
        for stored, expected in versions:
            assert log.read(stored) == expected


@given(st.lists(values | message_lists, min_size=1, max_size=6), st.booleans())
def test_any_value_reads_back_after_any_other(sequence, apart):
    log = Log()
    for value in sequence:
        log.put(value)
        assert log.read() == SERDE.dumps_typed(value)
        if apart:
            log.append(b"other")
        log.keep()
        assert log.read() == SERDE.dumps_typed(value)


@pytest.mark.parametrize("forgets", [True, False], ids=["another process", "the same process"])
def test_one_more_message_appends_its_own_bytes(forgets):
    log, said = Log(), []
    for n in range(1, 60):
        said = [*said, message(n)]
        appended = log.put(said)
        assert appended == len(SERDE.dumps_typed(said[-1])[1])
        assert log.read() == SERDE.dumps_typed(said)
        if forgets:
            log.forget_fingerprint()
    assert len(log.known.stored.runs) == 1


def test_what_stays_appends_nothing():
    log = Log()
    for value in (messages(5), ["text " * 50] * 3, "x" * 100_000, {"a": "y" * 100_000}):
        log.known = None
        assert log.put(value) > 0
        for _ in range(3):
            assert log.put(copy.deepcopy(value)) == 0
            assert log.keep() == 0
            assert log.read() == SERDE.dumps_typed(value)


def test_messages_that_are_moved_are_found_by_their_bytes():
    log, said = Log(), messages(40)
    log.put(said)
    for moved in (said[::-1], said[20:] + said[:20], said[::2], said[3:9]):
        log.put(said)
        assert log.put(moved) == 0
        assert log.read() == SERDE.dumps_typed(moved)


def test_small_values_lie_in_the_record_and_big_ones_in_the_log():
    for size in (1, INLINE_BYTES // 2, INLINE_BYTES * 2, FRESH_BYTES - 10):
        log = Log()
        assert log.put("x" * size) == 0
        assert log.known.stored.inline is not None
    assert Log().put("x" * (FRESH_BYTES + 1)) > FRESH_BYTES
    assert Log().put(messages(1)) > 0


def test_what_stays_moves_to_the_log_once():
    log = Log()
    assert log.put("x" * 1000) == 0
    assert log.keep() > 1000
    assert log.keep() == 0
    assert log.put("x" * 1000) == 0
    assert log.read() == SERDE.dumps_typed("x" * 1000)
    small = Log()
    small.put("x")
    assert small.keep() == 0


def test_a_list_never_comes_to_lie_in_too_many_pieces():
    """Its parts alternate with another's, or it is shuffled."""
    log, said = Log(), []
    for n in range(1, 3 * MAX_RUNS):
        said = [*said, message(n, "short")]
        log.put(said)
        log.append(b"another's")
        assert len(log.known.stored.runs) <= MAX_RUNS + 1
    for step in (7, 11, 13):
        said = [said[n * step % len(said)] for n in range(len(said))]
        log.put(said)
        assert len(log.known.stored.runs) <= MAX_RUNS + 1
        assert log.read() == SERDE.dumps_typed(said)


@pytest.mark.parametrize("serde", ["encrypted", "subclass"])
def test_another_serializers_bytes_are_left_whole(serde):
    """Nothing is known of what is in them."""

    class Reversing(JsonPlusSerializer):
        def dumps_typed(self, obj):
            type_, data = super().dumps_typed(obj)
            return f"{type_}+{serde}", data[::-1]

    log = Log()
    log.codec = Codec(Reversing())
    said = messages(30)
    for value in (said, [*said, message(31)], said, "x" * 50_000, [1] * 5000):
        log.put(value)
        assert log.read() == Reversing().dumps_typed(value)
        assert log.known.stored.items is None
        log.keep()
        assert log.read() == Reversing().dumps_typed(value)
    assert log.put([1] * 5000) == 0


def test_runs_are_positions_of_the_puts_own_until_it_is_stored():
    appendix = Appendix()
    assert appendix.add(b"abc") == Run(-1, 3)
    assert appendix.add(b"de") == Run(-4, 2)
    assert bytes(appendix) == b"abcde"
