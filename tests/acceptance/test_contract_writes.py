"""Pending writes: before their checkpoint, beside it, repeated, and in which order."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from langgraph.checkpoint.base import WRITES_IDX_MAP, writes_sort_key
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT, RESUME, SCHEDULED
from raw_checkpoints import checkpoint_id, config_of, put, values_at, writes_at


@pytest.mark.parametrize("replaced", [False, True])
def test_writes_may_arrive_before_their_checkpoint(saver, replaced):
    """With durability "async" they do."""
    config = config_of(id=checkpoint_id(1))
    saver.put_writes(config, [("a", 1), ("b", [2])], "task-1")
    assert saver.get_tuple(config) is None
    assert saver.get_tuple(config_of()) is None
    assert list(saver.list(config_of())) == []
    put(saver, 1, {"a": 0})
    if replaced:
        put(saver, 1, {"a": 0})
    saver.put_writes(config, [("c", 3)], "task-2")
    assert writes_at(saver, config) == [
        ("task-1", "a", 1),
        ("task-1", "b", [2]),
        ("task-2", "c", 3),
    ]
    assert values_at(saver, config) == {"a": 0}


def test_writes_before_the_first_checkpoint_of_a_later_step(saver):
    root = put(saver, 1, {"a": 0})
    later = config_of(id=checkpoint_id(2))
    saver.put_writes(later, [("a", 1)], "task")
    assert writes_at(saver, config_of()) == []
    put(saver, 2, {"a": 1}, parent=root)
    assert writes_at(saver, config_of()) == [("task", "a", 1)]


def test_puts_and_writes_from_many_threads_do_not_destroy_each_other(saver):
    numbers = range(1, 41)

    def put_one(n):
        put(saver, n, {"a": [n]}, versions={"a": n})

    def write_one(n, task):
        saver.put_writes(config_of(id=checkpoint_id(n)), [("a", n), ("b", task)], task)

    with ThreadPoolExecutor(16) as pool:
        jobs = [
            job
            for n in numbers
            for job in (
                pool.submit(write_one, n, "task-1"),
                pool.submit(put_one, n),
                pool.submit(write_one, n, "task-2"),
            )
        ]
    for job in jobs:
        job.result()
    for n in numbers:
        config = config_of(id=checkpoint_id(n))
        assert values_at(saver, config) == {"a": [n]}
        assert writes_at(saver, config) == [
            (task, channel, value)
            for task in ("task-1", "task-2")
            for channel, value in (("a", n), ("b", task))
        ]


async def test_puts_and_writes_of_one_loop_do_not_destroy_each_other(saver):
    async def write(n, task):
        await saver.aput_writes(config_of(id=checkpoint_id(n)), [("a", n)], task)

    async def put_one(n):
        await asyncio.to_thread(put, saver, n, {"a": [n]})

    await asyncio.gather(
        *(job for n in range(1, 21) for job in (write(n, "t1"), put_one(n), write(n, "t2")))
    )
    for n in range(1, 21):
        assert writes_at(saver, config_of(id=checkpoint_id(n))) == [("t1", "a", n), ("t2", "a", n)]


async def test_a_regular_write_keeps_its_first_value(saver):
    config = put(saver, 1)
    saver.put_writes(config, [("a", "first"), ("b", "first")], "task")
    saver.put_writes(config, [("a", "second"), ("b", "second"), ("c", "new")], "task")
    await saver.aput_writes(config, [("other", "third")], "task")
    assert writes_at(saver, config) == [
        ("task", "a", "first"),
        ("task", "b", "first"),
        ("task", "c", "new"),
    ]


@pytest.mark.parametrize("channel", sorted(WRITES_IDX_MAP))
async def test_a_special_write_is_replaced(saver, channel):
    config = put(saver, 1)
    saver.put_writes(config, [(channel, "first")], "task")
    saver.put_writes(config, [(channel, ["second"])], "task")
    assert writes_at(saver, config) == [("task", channel, ["second"])]
    await saver.aput_writes(config, [(channel, None)], "task")
    assert writes_at(saver, config) == [("task", channel, None)]
    saver.put_writes(config, [(channel, "of another")], "task-2")
    assert len(writes_at(saver, config)) == 2


def test_special_and_regular_writes_of_one_task_stand_side_by_side(saver):
    config = put(saver, 1)
    saver.put_writes(config, [("a", 1), ("b", 2)], "task")
    saver.put_writes(config, [(INTERRUPT, "i"), (RESUME, "r")], "task")
    saver.put_writes(config, [(ERROR, "e"), (SCHEDULED, None)], "task")
    assert writes_at(saver, config) == [
        ("task", RESUME, "r"),
        ("task", INTERRUPT, "i"),
        ("task", SCHEDULED, None),
        ("task", ERROR, "e"),
        ("task", "a", 1),
        ("task", "b", 2),
    ]


def test_a_regular_write_after_a_special_one_keeps_its_place_in_its_call(saver):
    config = put(saver, 1)
    saver.put_writes(config, [(INTERRUPT, "i"), ("a", 1)], "task")
    saver.put_writes(config, [("b", "at 0"), ("c", "at 1")], "task")
    assert writes_at(saver, config) == [
        ("task", INTERRUPT, "i"),
        ("task", "b", "at 0"),
        ("task", "a", 1),
    ]


def test_writes_come_back_by_path_then_task_then_index(saver):
    config = put(saver, 1)
    calls = [
        ("task-z", "~__pregel_pull, a"),
        ("task-a", "~__pregel_pull, b"),
        ("task-b", ""),
        ("task-ä", "~__pregel_push, 0000000002"),
        ("task-Z", "~__pregel_push, 0000000010"),
        ("task-A", ""),
        ("", "~"),
    ]
    for task_id, path in calls:
        values = [("a", [task_id, n]) for n in range(12)]
        saver.put_writes(config, values, task_id, path)
    in_order = sorted(calls, key=lambda call: writes_sort_key(call[1], call[0]))
    assert writes_at(saver, config) == [
        (task_id, "a", [task_id, n]) for task_id, _ in in_order for n in range(12)
    ]
    listed = next(iter(saver.list(config_of())))
    assert [tuple(write) for write in listed.pending_writes] == writes_at(saver, config)


def test_more_than_a_hundred_writes_of_one_task_keep_their_order(saver):
    config = put(saver, 1)
    saver.put_writes(config, [("a", n) for n in range(250)], "task")
    assert writes_at(saver, config) == [("task", "a", n) for n in range(250)]


def test_no_writes_at_all_are_harmless(saver):
    config = put(saver, 1)
    saver.put_writes(config, [], "task")
    saver.put_writes(config_of(id=checkpoint_id(2)), [], "task")
    assert writes_at(saver, config) == []


def test_writes_belong_to_their_namespace_and_thread(saver):
    configs = [
        put(saver, 1, thread_id=thread_id, ns=ns)
        for thread_id in ("a", "b")
        for ns in ("", "child:1", "child:1|x:2")
    ]
    for n, config in enumerate(configs):
        saver.put_writes(config, [("a", n)], "task")
    assert [writes_at(saver, config) for config in configs] == [
        [("task", "a", n)] for n in range(len(configs))
    ]


def test_writes_of_one_channel_twice_in_one_call_are_both_kept(saver):
    config = put(saver, 1)
    saver.put_writes(config, [("a", 1), ("a", 1), ("a", 2)], "task")
    assert writes_at(saver, config) == [("task", "a", 1), ("task", "a", 1), ("task", "a", 2)]
