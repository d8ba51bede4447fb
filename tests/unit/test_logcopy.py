"""A part of a log is held by position and read back, or not at all."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from langgraph_dualstore.hot.logcopy import LogCopy
from langgraph_dualstore.hot.records import Run

LOG = bytes(n * 7 % 251 for n in range(300))
runs = st.builds(Run, st.integers(0, 250), st.integers(1, 50))


def bytes_of(parts):
    return b"".join(LOG[run.start : run.end] for run in parts)


@given(st.lists(runs, max_size=12), st.lists(runs, min_size=1, max_size=3))
def test_it_reads_what_it_was_given_and_nothing_else(added, wanted):
    copy, held = LogCopy(), set()
    for run in added:
        copy.add(run.start, LOG[run.start : run.end])
        held |= set(range(run.start, run.end))
        assert copy.size == len(held)
    expected = {position for run in wanted for position in range(run.start, run.end)}
    assert copy.read(wanted) == (bytes_of(wanted) if expected <= held else None)
    for run in added:
        assert copy.read([run]) == bytes_of([run])
    assert copy.read([]) == b""


@given(st.lists(runs, max_size=8))
def test_the_largest_unbroken_part_is_known(added):
    copy, held = LogCopy(), set()
    for run in added:
        copy.add(run.start, LOG[run.start : run.end])
        held |= set(range(run.start, run.end))
    start, end = copy.largest()
    longest = longest_stretch(held)
    assert end - start == longest
    assert set(range(start, end)) <= held
    if longest:
        assert copy.read([Run(start, longest)]) == LOG[start:end]


def longest_stretch(held):
    best = now = 0
    for position in range(len(LOG) + 1):
        now = now + 1 if position in held else 0
        best = max(best, now)
    return best


@given(st.lists(st.integers(0, 40), max_size=10))
def test_a_log_that_grows_is_held_as_one_part(sizes):
    copy, at = LogCopy(), 0
    for size in sizes:
        copy.add(at, LOG[at : at + size])
        at = min(at + size, len(LOG))
    assert copy.largest() == (0, at)
    if at:
        assert copy.read([Run(0, at)]) == LOG[:at]


def test_what_was_read_does_not_change_when_the_copy_grows():
    copy = LogCopy()
    copy.add(0, b"abc")
    before = copy.read([Run(0, 3)])
    copy.add(3, b"def")
    copy.add(0, b"abcdef")
    assert before == b"abc"
    assert isinstance(before, bytes)


def test_many_threads_may_add_and_read():
    copy = LogCopy()

    def add(n):
        run = Run(n * 3 % 250, 50)
        copy.add(run.start, LOG[run.start : run.end])
        return copy.read([run]) == bytes_of([run])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(add, range(400)))
