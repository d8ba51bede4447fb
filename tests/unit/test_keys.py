"""Names become keys and addresses that keep their order and never mix."""

from bisect import bisect_left, bisect_right

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.crc import key_slot

from langgraph_dualstore import ConfigurationError
from langgraph_dualstore.hot.keys import (
    AFTER,
    INDEX_LENGTH,
    as_thread_id,
    decode_index,
    encode_index,
    encode_part,
    split_address,
    thread_ids_of,
    thread_keys,
)

# Everything that a str may hold, and often what an encoding might trip over.
odd = st.text(
    st.sampled_from("\0\x01\xff\x7faA:{}%| \n\ud800\udfff\ue000\U0010ffff🎉é"), max_size=6
)
texts = odd | st.text(st.characters(), max_size=20)
pairs = st.tuples(texts, texts)


@given(texts)
@example("")
@example("%")
@example("%25")
@example("a}{b")
@example("\0")
@example("\ud800")
@example("x" * 1000)
def test_a_thread_id_can_be_read_off_its_key(thread_id):
    keys = thread_keys("a prefix:", thread_id)
    assert list(thread_ids_of("a prefix:", [keys.head])) == [thread_id]
    assert list(thread_ids_of("a prefix:", [keys.head.decode()])) == [thread_id]
    for name, key in zip(keys._fields, keys, strict=True):
        assert key.startswith(b"a prefix::{")
        assert key.endswith(b"}:" + name.encode())
        assert key.count(b"{") == key.count(b"}") == 1
        assert key.isascii()
    assert len({key_slot(key) for key in keys}) == 1
    tag = keys.head[keys.head.index(b"{") + 1 : keys.head.index(b"}")]
    assert tag, "Redis takes an empty tag for none"
    assert key_slot(tag) == key_slot(keys.log)


@given(texts, texts)
def test_two_threads_never_share_a_key(one, other):
    shared = set(thread_keys("p", one)) & set(thread_keys("p", other))
    assert bool(shared) == (one == other)


@given(st.lists(texts))
def test_encoded_parts_sort_as_the_texts_do(parts):
    assert sorted(parts, key=encode_part) == sorted(parts)


@given(st.lists(texts, min_size=1, max_size=4), st.binary(max_size=5), st.binary(max_size=5))
def test_an_address_can_be_taken_apart(parts, before, rest):
    rest = rest.lstrip(AFTER)  # what follows an address never starts with it
    address = b"".join(map(encode_part, parts))
    found, end = split_address(before + address + rest, len(parts), len(before))
    assert found == parts
    assert end == len(before) + len(address)


@given(st.lists(pairs, unique=True, max_size=12), pairs)
@example([("", ""), ("", "\0"), ("\0", "")], ("", ""))
@example([("a", "b"), ("a\0", "b"), ("a", "\0b")], ("a", "b"))
def test_a_lookup_by_range_finds_the_one_member_of_an_address(addresses, wanted):
    """As `lookup.lua` does: from the address to the address followed by FF."""
    members = sorted(b"".join(map(encode_part, pair)) + b"0f rest" for pair in addresses)
    address = b"".join(map(encode_part, wanted))
    found = members[bisect_left(members, address) : bisect_right(members, address + AFTER)]
    assert [tuple(split_address(member, 2)[0]) for member in found] == [wanted] * (
        wanted in addresses
    )


@given(st.lists(pairs, unique=True, max_size=12), texts)
def test_a_lookup_of_a_namespace_finds_its_members_in_the_order_of_their_ids(addresses, namespace):
    members = sorted(b"".join(map(encode_part, pair)) + b"0f rest" for pair in addresses)
    space = encode_part(namespace)
    found = members[bisect_left(members, space) : bisect_right(members, space + AFTER)]
    ids = [split_address(member, 2)[0][1] for member in found]
    assert ids == sorted(id_ for ns, id_ in addresses if ns == namespace)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1))
def test_indexes_keep_their_order(indexes):
    encoded = [encode_index(index) for index in indexes]
    assert {len(raw) for raw in encoded} == {INDEX_LENGTH}
    assert [decode_index(raw) for raw in sorted(encoded)] == sorted(indexes)
    for index, raw in zip(indexes, encoded, strict=True):
        assert (raw < b"8") == (index < 0), "writes.lua tells special writes by this"


@pytest.mark.parametrize("value", [None, True, False, b"a", bytearray(), [], (), {}, set()])
def test_what_is_no_name_is_no_thread_id(value):
    with pytest.raises(ConfigurationError, match="thread_id"):
        as_thread_id(value)


@pytest.mark.parametrize(("value", "thread_id"), [("", ""), ("a", "a"), (7, "7"), (1.5, "1.5")])
def test_what_has_a_name_is_the_thread_of_that_name(value, thread_id):
    assert as_thread_id(value) == thread_id


@pytest.mark.parametrize("tag", [b"%ff", b"\xff", b"%7B%7b", b"a%2fb", b"%zz"])
def test_keys_that_no_thread_has_are_nobodys(tag):
    assert list(thread_ids_of("p", [b"p:{" + tag + b"}:head"])) == []
