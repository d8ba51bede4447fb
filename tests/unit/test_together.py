"""Operations that run side by side share exchanges, and each keeps its own faults."""

import pytest

from langgraph_dualstore import HotStoreError, HotStoreUnavailable
from langgraph_dualstore._steps import TimeLeft, Together
from langgraph_dualstore.hot.keys import thread_keys
from langgraph_dualstore.operations.together import together


def step(name):
    return TimeLeft(thread_keys("p", name))


def asks(name, times):
    replies = []
    for n in range(times):
        replies.append((yield step(f"{name}{n}")))
    return name, replies


def play(operation, *replies):
    steps = []
    try:
        asked = next(operation)
        for reply in replies:
            steps.append(asked)
            resume = operation.throw if isinstance(reply, Exception) else operation.send
            asked = resume(reply)
    except StopIteration as finished:
        assert len(steps) == len(replies)
        return steps, finished.value
    raise AssertionError(f"it goes on with {asked}")


def test_each_exchange_holds_a_step_of_each_that_is_not_done():
    steps, results = play(together([asks("a", 1), asks("b", 2), asks("c", 0)]), [1, 2], [3])
    assert steps == [Together([step("a0"), step("b0")]), Together([step("b1")])]
    assert results == [("a", [1]), ("b", [2, 3]), ("c", [])]


def test_nothing_to_run_takes_no_exchange():
    assert play(together([])) == ([], [])


def test_what_one_raises_is_its_own_result():
    def fails():
        yield step("f")
        raise ValueError("no")

    _, (first, second) = play(together([fails(), asks("a", 1)]), [1, 2])
    assert isinstance(first, ValueError)
    assert second == ("a", [2])


def test_a_refusal_is_found_by_taking_the_steps_alone():
    refusal = HotStoreError("wrong type")
    steps, results = play(together([asks("a", 1), asks("b", 1)]), refusal, 1, refusal)
    assert steps[1:] == [step("a0"), step("b0")]
    assert results == [("a", [1]), refusal]


@pytest.mark.parametrize("mends", [False, True])
def test_a_server_that_is_away_is_away_for_all(mends):
    away = HotStoreUnavailable("away")

    def patient():
        try:
            yield step("p")
        except HotStoreUnavailable:
            return "patient"

    operations = [asks("a", 1), patient() if mends else asks("b", 1)]
    _, results = play(together(operations), away)
    assert results == [away, "patient" if mends else away]
