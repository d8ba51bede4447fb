"""Records and writes come back as they were; anything else is refused as corrupt."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langgraph_dualstore import CorruptRecord
from langgraph_dualstore.hot.keys import encode_index, encode_part
from langgraph_dualstore.hot.records import (
    Record,
    Run,
    Stored,
    StoredWrite,
    decode_record,
    decode_write,
    encode_member,
    encode_record,
    encode_write,
    join_runs,
    resolve_runs,
)

names = st.text(st.sampled_from("ab\0:,|\n 0🎉\ud800"), max_size=5) | st.text(max_size=10)
typed = st.tuples(st.sampled_from(["msgpack", "null", "bytes", "json+aes"]), st.binary(max_size=40))
kept_runs = st.lists(st.builds(Run, st.integers(0, 5000), st.integers(1, 500)), max_size=5)
some_runs = kept_runs.filter(bool)
stored = st.one_of(
    st.builds(lambda type_, data: Stored(type_, inline=data), st.just("msgpack"), st.binary()),
    st.builds(
        lambda items, runs: Stored("msgpack", items=items, runs=tuple(runs)),
        st.none() | st.integers(0, 10),
        some_runs,
    ),
)
records = st.fixed_dictionaries(
    {
        "namespace": names,
        "checkpoint_id": names,
        "generation": st.sampled_from(["0", "0f", "deadbeef"]),
        "stamp": st.sampled_from(["1", "00ff00ff00ff00ff"]),
        "parent_id": st.none() | names,
        "checkpoint": typed,
        "metadata": typed,
        "run_id": st.none() | st.text(max_size=10),
        "channels": st.dictionaries(names, stored, max_size=4),
    }
)


def rest_of(fields):
    parent = fields["parent_id"]
    return encode_record(
        parent=b"" if parent is None else encode_part(parent),
        **{name: fields[name] for name in ("checkpoint", "metadata", "run_id", "channels")},
    )


def address_of(fields):
    return encode_part(fields["namespace"]) + encode_part(fields["checkpoint_id"])


def assert_decodes(member, fields, channels, end):
    record = decode_record(member, "thread")
    assert record == Record(**{**fields, "channels": channels}, address=address_of(fields), end=end)
    assert list(record.channels) == list(channels)
    assert member[1:].startswith(record.proof)


@given(records, st.sampled_from([b"c", b"a"]))
def test_a_record_comes_back(fields, tag):
    member = encode_member(
        tag, address_of(fields), fields["generation"], fields["stamp"], rest_of(fields)
    )
    channels = {
        name: value._replace(runs=join_runs(value.runs))
        for name, value in fields["channels"].items()
    }
    ends = [run.end for value in channels.values() for run in value.runs]
    assert_decodes(member, fields, channels, max(ends, default=0))


@given(records, st.integers(0, 10**6), st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_what_a_put_appends_is_found_where_the_script_appended_it(fields, position, sizes):
    """Positions of the put's own are negative until the script knows better."""
    total, runs = 0, []
    for size in sizes:
        runs.append(Run(-1 - total, size))
        total += size
    before = Run(7, 3)
    fields["channels"] = {
        "whole": Stored("msgpack", runs=tuple(runs)),
        "grown": Stored("msgpack", items=9, runs=(before, runs[-1])),
    }
    # What put.lua makes of it.
    member = b"c%b%b %b %d %d %b" % (
        address_of(fields),
        fields["generation"].encode(),
        fields["stamp"].encode(),
        position,
        total,
        rest_of(fields),
    )
    last = Run(position + total - sizes[-1], sizes[-1])
    channels = {
        "whole": Stored("msgpack", runs=(Run(position, total),)),
        "grown": Stored("msgpack", items=9, runs=join_runs((before, last))),
    }
    assert_decodes(member, fields, channels, max(position + total, before.end))


@given(records, st.data())
def test_a_record_that_was_cut_short_is_corrupt(fields, data):
    address = address_of(fields)
    member = encode_member(b"c", address, fields["generation"], fields["stamp"], rest_of(fields))
    cut = data.draw(st.integers(0, len(member) - 1))
    with pytest.raises(CorruptRecord) as caught:
        decode_record(member[:cut], "the thread")
    assert caught.value.thread_id == "the thread"
    assert caught.value.checkpoint_id in ("", fields["checkpoint_id"])


@given(st.binary(max_size=60))
@example(b"")
@example(b"c\0\0")
@example(b"c\0\0" + b"0 0 0 0  0 0\n" + b"\xff")
def test_anything_else_is_corrupt(data):
    for decode in (decode_record, decode_write):
        with pytest.raises(CorruptRecord):
            decode(data, "thread")


@given(names, names, names, st.integers(-5, 2**20), names, typed, st.text(max_size=5))
def test_a_write_comes_back(namespace, checkpoint_id, task_id, slot, channel, value, path):
    address = b"".join(map(encode_part, (namespace, checkpoint_id, task_id)))
    member = address + encode_index(slot) + encode_write(channel, value, path)
    assert decode_write(member, "thread") == StoredWrite(task_id, slot, channel, value, path)


def positions(runs):
    return [run.start + n for run in runs for n in range(run.length)]


@given(kept_runs)
def test_joining_runs_keeps_what_they_hold_in_order(runs):
    joined = join_runs(runs)
    assert positions(joined) == positions(runs)
    assert all(one.end != other.start for one, other in pairwise(joined))


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=8), st.integers(0, 1000))
def test_own_runs_are_resolved_to_where_they_were_appended(parts, position):
    own, kept, runs, expected = 0, 0, [], []
    for is_own, size in parts:
        if is_own:
            runs.append(Run(-1 - own, size))
            expected += range(position + own, position + own + size)
            own += size
        else:
            runs.append(Run(kept, size))
            expected += range(kept, kept + size)
            kept += size + 1
    for given_runs in (runs, join_runs(runs)):
        assert positions(resolve_runs(given_runs, position)) == expected
