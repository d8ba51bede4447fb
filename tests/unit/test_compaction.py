"""Moving what is referred to keeps every byte of it and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_dualstore import CorruptRecord
from langgraph_dualstore.hot.compaction import Compaction
from langgraph_dualstore.hot.keys import encode_part
from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Record, Run, Stored, decode_record, join_runs

LOG = bytes(n * 7 % 251 for n in range(400))
runs = st.lists(st.builds(Run, st.integers(0, 350), st.integers(1, 50)), min_size=1, max_size=4)
channels = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.one_of(
        runs.map(lambda found: Stored("msgpack", items=len(found), runs=join_runs(found))),
        runs.map(lambda found: Stored("msgpack", runs=join_runs(found))),
        st.binary(max_size=9).map(lambda data: Stored("msgpack", inline=data)),
    ),
)


def record(n, values, generation="0f"):
    return Record(
        namespace="ns",
        checkpoint_id=str(n),
        address=encode_part("ns") + encode_part(str(n)),
        generation=generation,
        stamp=f"{n:x}",
        end=max((run.end for value in values.values() for run in value.runs), default=0),
        parent_id=str(n - 1) if n else None,
        checkpoint=("msgpack", b"checkpoint"),
        metadata=("msgpack", b"metadata"),
        run_id="run" if n % 2 else None,
        channels=values,
    )


def bytes_of(log, stored):
    return b"".join(log[run.start : run.end] for run in stored.runs)


@given(st.lists(channels, max_size=5), st.integers(0, 100))
def test_every_record_refers_to_the_same_bytes_as_before(values, offset):
    records = [record(n, value) for n, value in enumerate(values)]
    compaction = Compaction("thread", b"0f", records, LogCopy.whole(LOG), offset)
    log = b"?" * offset + compaction.log
    for before in records:
        after = decode_record(compaction.member(b"c", before, "ab"), "thread")
        assert after.generation == "ab"
        assert after._replace(generation="0f", channels={}, end=0) == before._replace(
            channels={}, end=0
        )
        assert list(after.channels) == list(before.channels)
        for name, stored in before.channels.items():
            moved = after.channels[name]
            assert bytes_of(log, moved) == bytes_of(LOG, stored)
            assert (moved.type, moved.items, moved.inline) == (
                stored.type,
                stored.items,
                stored.inline,
            )


@given(st.lists(channels, max_size=5))
def test_nothing_is_kept_that_nobody_refers_to_and_nothing_twice(values):
    records = [record(n, value) for n, value in enumerate(values)]
    needed = {
        position
        for value in values
        for stored in value.values()
        for run in stored.runs
        for position in range(run.start, run.end)
    }
    compaction = Compaction("thread", b"0f", records, LogCopy.whole(LOG))
    assert compaction.log == bytes(LOG[position] for position in sorted(needed))


def test_a_compacted_log_can_be_compacted_again_with_another_behind_it():
    """As a copy does to a thread that exists."""
    first = record(1, {"a": Stored("msgpack", runs=(Run(10, 5), Run(300, 5)))})
    second = record(2, {"a": Stored("msgpack", runs=(Run(100, 7),))})
    one = Compaction("thread", b"0f", [first], LogCopy.whole(LOG))
    two = Compaction("thread", b"0f", [second], LogCopy.whole(LOG), len(one.log))
    log = one.log + two.log
    for compaction, before in ((one, first), (two, second)):
        after = decode_record(compaction.member(b"a", before, "ab"), "thread")
        assert bytes_of(log, after.channels["a"]) == bytes_of(LOG, before.channels["a"])


@pytest.mark.parametrize(
    ("log", "generation"), [(LOG[:5], b"0f"), (b"", b"0f"), (LOG, b"ee")], ids=str
)
def test_what_is_not_in_the_log_cannot_be_moved(log, generation):
    broken = record(1, {"a": Stored("msgpack", runs=(Run(2, 10),))})
    whole = record(2, {"a": Stored("msgpack", inline=b"here")})
    with pytest.raises(CorruptRecord):
        Compaction("thread", generation, [whole, broken], LogCopy.whole(log))
    kept = Compaction("thread", generation, [whole], LogCopy.whole(log))
    assert kept.log == b""
    assert decode_record(kept.member(b"c", whole, "ab"), "thread").channels == whole.channels
