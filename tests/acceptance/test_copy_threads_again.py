"""Copying is repeated: after it was interrupted, and after either side has gone on."""

import pytest
from copy_sources import delta_graph
from graph_runner import thread
from graphs import chat_graph, says, tool_loop_graph
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from raw_checkpoints import config_of
from tuple_comparison import assert_same, in_order

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.copying import copy_threads


@pytest.fixture
def source():
    return InMemorySaver()


def talk(saver, *texts, thread_id="1"):
    for text in texts:
        chat_graph(saver).invoke(says(text), thread(thread_id))


def outcomes(source, target, *args, **options):
    return {copy.thread_id: copy.outcome for copy in copy_threads(source, target, *args, **options)}


def all_of(saver, thread_id="1"):
    return in_order(saver.list(config_of(thread_id, None)))


def stored(client):
    return {key: client.dump(key) for key in client.keys("*")}


def test_what_is_there_already_is_not_written_again(source, saver, redis_client):
    for name in "12":
        talk(source, "a", "b", thread_id=name)
    assert outcomes(source, saver) == {"1": "copied", "2": "copied"}
    before = stored(redis_client)
    assert outcomes(source, saver) == {"1": "unchanged", "2": "unchanged"}
    assert stored(redis_client) == before


class Killed(BaseException):
    pass


class Mortal:
    """A saver's way to Redis, which ends at the n-th thing that is written."""

    def __init__(self, saver, writes):
        self.left = writes
        self._run = saver._run
        saver._run = self

    def __call__(self, operation):
        if operation.__name__ in {"put", "place_writes"}:
            if not self.left:
                operation.close()
                raise Killed
            self.left -= 1
        return self._run(operation)


def test_whoever_ends_in_the_middle_is_completed_by_the_next(source, redis_url):
    graph = delta_graph(source, 2)
    for part in ({"lines": ["a"]}, Command(resume="1"), {"lines": ["b"]}):
        graph.invoke(part, thread("1"))
    writes = 0
    while True:
        settings = {"prefix": f"run{writes}"}
        with DualStoreSaver.from_conn_string(redis_url, **settings) as first:
            Mortal(first, writes)
            try:
                assert outcomes(source, first) == {"1": "copied"}
                break
            except Killed:
                pass
        with DualStoreSaver.from_conn_string(redis_url, **settings) as second:
            assert outcomes(source, second) == {"1": "copied"}
            assert_same(all_of(second), all_of(source))
            assert outcomes(source, second) == {"1": "unchanged"}
        writes += 1
    assert writes > 10


def test_what_the_source_has_gained_is_added(source, saver):
    talk(source, "a")
    assert outcomes(source, saver) == {"1": "copied"}
    talk(source, "b")
    assert outcomes(source, saver) == {"1": "copied"}
    assert_same(all_of(saver), all_of(source))


def test_what_the_target_has_gained_stays(source, saver, redis_client):
    talk(source, "a")
    assert outcomes(source, saver) == {"1": "copied"}
    talk(saver, "b")
    before = stored(redis_client)
    (copy,) = copy_threads(source, saver)
    assert (copy.outcome, copy.problem) == (
        "ahead",
        "the target has gone on with it, so it is left as it is there",
    )
    assert stored(redis_client) == before
    # The source's users have gone on, too.
    talk(source, "c")
    assert outcomes(source, saver) == {"1": "ahead"}
    assert stored(redis_client) == before


def test_another_conversation_of_the_same_name_is_left_alone(source, saver, redis_client):
    talk(saver, "mine")
    talk(source, "theirs")
    before = stored(redis_client)
    assert outcomes(source, saver) == {"1": "ahead"}
    assert stored(redis_client) == before


def test_a_fork_in_the_target_is_not_lost_either(source, saver):
    talk(source, "a")
    early = chat_graph(source).get_state(thread("1")).config
    talk(source, "b")
    assert outcomes(source, saver) == {"1": "copied"}
    chat_graph(saver).invoke(says("fork"), early)
    assert outcomes(source, saver) == {"1": "ahead"}
    texts = [m.text for m in chat_graph(saver).get_state(thread("1")).values["messages"]]
    assert texts == ["a", "1: a", "fork", "2: fork"]


def test_a_run_that_the_target_has_only_begun_to_resume_is_not_disturbed(source, saver):
    graph = delta_graph(source)
    graph.invoke({"lines": ["a"]}, thread("1"))
    assert outcomes(source, saver) == {"1": "copied"}
    newest = saver.get_tuple(config_of("1"))
    saver.put_writes(newest.config, [("lines", ["more"])], "another task", "~path")
    assert outcomes(source, saver) == {"1": "unchanged"}
    assert ("another task", "lines", ["more"]) in saver.get_tuple(config_of("1")).pending_writes


@pytest.mark.parametrize("keep_last", [1, 3])
def test_a_target_that_keeps_few_checkpoints_has_the_newest(source, redis_url, keep_last):
    tool_loop_graph(source).invoke(says("a"), thread("1"))
    with DualStoreSaver.from_conn_string(redis_url, keep_last=keep_last) as target:
        assert outcomes(source, target) == {"1": "copied"}
        assert_same(all_of(target), all_of(source)[:keep_last])
        assert outcomes(source, target) == {"1": "unchanged"}


def test_a_dry_run_changes_nothing_and_tells_the_same(source, saver, redis_client):
    talk(source, "a", thread_id="there")
    copied = outcomes(source, saver)
    talk(source, "a", thread_id="new")
    before = stored(redis_client)
    assert outcomes(source, saver, dry_run=True) == {"there": "unchanged", "new": "copied"}
    assert copied == {"there": "copied"}
    assert stored(redis_client) == before
