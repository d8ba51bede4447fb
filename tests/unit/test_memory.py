"""What is remembered stays within bounds, and says what proves it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_dualstore.hot.memory import Memory, Proof, ThreadCopy, View
from langgraph_dualstore.hot.records import Run, Stored
from langgraph_dualstore.serialization import Fingerprint, Revived


def copy_of(size, generation="0f"):
    copy = ThreadCopy(generation)
    copy.learn([(0, b"x" * size)], Proof(b"proof", size))
    return copy


def view(name, inline=b""):
    return View(name, name + b"g s ", {"a": 1}, {"a": Stored("msgpack", inline=inline)}, {})


@given(
    st.integers(0, 20_000),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, 10, 3000, 9000])), max_size=30),
)
def test_it_never_holds_more_than_it_may(limit, uses):
    memory, copies = Memory(limit), {}
    for number, size in uses:
        name = b"thread %d" % number
        copies[name] = copy = copy_of(size)
        memory.keep(name, copy)
        held = [name for name in copies if memory.get(name) is copies[name]]
        assert sum(copies[name].cost for name in held) <= limit
        assert all(memory.get(name) in (None, copies[name]) for name in copies)
        assert name in held or copy.cost > limit


def test_the_least_recently_used_go_first():
    copies = {b"%d" % n: copy_of(1000) for n in range(4)}
    memory = Memory(sum(copy.cost for copy in copies.values()) - 1)
    for name in (b"0", b"1", b"2", b"0", b"3"):
        memory.keep(name, copies[name])
    assert [name for name in copies if memory.get(name)] == [b"0", b"2", b"3"]


def test_a_thread_that_grew_counts_as_what_it_is():
    memory = Memory(10_000)
    first, second = copy_of(10), copy_of(10)
    memory.keep(b"first", first)
    memory.keep(b"second", second)
    second.learn([(10, b"x" * 8000)], Proof(b"proof", 8010))
    memory.keep(b"second", second)
    assert memory.get(b"first") is None
    assert memory.get(b"second") is second


def test_what_is_forgotten_makes_room():
    memory = Memory(2 * copy_of(1000).cost)
    for n in range(10):
        memory.keep(b"%d" % n, copy_of(1000))
        memory.forget(b"%d" % n)
        memory.forget(b"never there")
    kept = copy_of(1000), copy_of(1000)
    memory.keep(b"one", kept[0])
    memory.keep(b"two", kept[1])
    assert (memory.get(b"one"), memory.get(b"two")) == kept


def test_the_values_that_a_view_holds_count_too():
    copy = copy_of(10)
    before = copy.cost
    copy.remember(view(b"a", b"x" * 5000))
    assert copy.cost > before + 5000


def test_only_some_checkpoints_of_a_thread_are_remembered():
    copy = copy_of(10)
    names = [b"%d" % n for n in range(100)]
    for name in names:
        copy.remember(view(name))
    remembered = [name for name in names if copy.view(name)]
    assert names[-1] in remembered
    assert 4 <= len(remembered) <= 20
    assert remembered == names[-len(remembered) :]


def test_nothing_is_held_without_a_proof():
    copy = ThreadCopy("0f")
    assert copy.held() is None
    copy.log.add(5, b"abc")
    assert copy.held() is None
    copy.learn([], Proof(b"proof", 8))
    held = copy.held()
    assert (held.generation, held.proof, held.start, held.end) == ("0f", b"proof", 5, 8)


@given(st.permutations([Proof(b"%d" % n, n * 10) for n in range(5)]))
def test_the_proof_is_that_of_the_checkpoint_that_saw_most_of_the_log(proofs):
    copy = ThreadCopy("0f")
    for proof in proofs:
        copy.learn([(0, b"x" * proof.end)], proof)
    assert copy.held().proof == b"4"
    assert copy.log.read([Run(0, 40)]) == b"x" * 40


def test_of_many_lists_those_that_were_read_last_are_known():
    copy, revived = ThreadCopy("0f"), Revived(1, Fingerprint(1, b"digest"))
    for start in range(1000):
        copy.note_revived(start, revived)
        copy.note_revived(0, revived)
    assert copy.revived(0) == copy.revived(999) == revived
    assert sum(copy.revived(start) is not None for start in range(1000)) < 20


@pytest.mark.parametrize("limit", [0, 5000, 10**6])
def test_many_threads_may_use_it(limit):
    memory = Memory(limit)

    def use(n):
        name = b"%d" % (n % 7)
        copy = memory.get(name) or ThreadCopy("0f")
        copy.learn([(n, b"x" * 100)], Proof(b"p", n + 100))
        copy.remember(view(b"%d" % n))
        memory.keep(name, copy)
        if n % 5 == 0:
            memory.forget(name)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(500)))
    for n in range(7):
        memory.forget(b"%d" % n)
    last = copy_of(10)
    memory.keep(b"last", last)
    assert (memory.get(b"last") is last) == (last.cost <= limit)
