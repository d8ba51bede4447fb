"""`keep_last` bounds what a thread holds, and all that it keeps can be read."""

import pytest
from async_twins import opened
from conversations import message, talk
from langgraph.checkpoint.memory import InMemorySaver
from raw_checkpoints import checkpoint_id, config_of, ids_in, put, values_at, writes_at
from stored_threads import Onlooker, bytes_held
from tuple_comparison import assert_same


def as_in_memory(steps, **options):
    """All that was put, newest first."""
    memory = InMemorySaver()
    talk(memory, steps, **options)
    return list(memory.list(config_of("thread", options.get("ns", ""))))


@pytest.mark.parametrize("keep_last", [1, 3, 10])
def test_the_newest_checkpoints_are_kept_whole(open_saver, fresh, keep_last):
    with open_saver(keep_last=keep_last) as saver:
        last = None
        for n in range(1, 13):
            last = talk(saver, 1, start=n, parent=last, said=[message(k) for k in range(1, n)])
            expected = as_in_memory(n)[:keep_last]
            assert_same(list(saver.list(config_of())), expected)
            assert_same(list(fresh.list(config_of())), expected)
            assert_same([fresh.get_tuple(config_of())], expected[:1])


@pytest.mark.parametrize("keep_last", [1, 3])
def test_each_namespace_keeps_its_own(open_saver, fresh, keep_last):
    with open_saver(keep_last=keep_last) as saver:
        for ns, steps in (("", 7), ("child:1", 2), ("child", 5), ("child:1|deep:2", 4)):
            talk(saver, steps, ns=ns)
        for ns, steps in (("", 7), ("child:1", 2), ("child", 5), ("child:1|deep:2", 4)):
            assert_same(list(fresh.list(config_of(ns=ns))), as_in_memory(steps, ns=ns)[:keep_last])


def test_the_newest_are_those_of_the_greatest_ids_whenever_they_were_put(open_saver, fresh):
    with open_saver(keep_last=2) as saver:
        for n in (5, 9, 7, 3, 8):
            put(saver, n, {"a": n})
        assert ids_in(fresh.list(config_of())) == [checkpoint_id(9), checkpoint_id(8)]
        assert values_at(fresh, config_of()) == {"a": 9}


def test_a_dropped_checkpoint_takes_its_writes_along(open_saver, fresh, redis_client):
    with open_saver(keep_last=2) as saver:
        last = talk(saver, 5)
        assert writes_at(fresh, last) == [("task-5", "count", 5)]
        assert redis_client.zcard("langgraph:state:{thread}:writes") == 2


def test_writes_that_come_before_their_checkpoint_are_kept(open_saver, fresh):
    with open_saver(keep_last=1) as saver:
        last = talk(saver, 3)
        coming = config_of(id=checkpoint_id(4))
        saver.put_writes(coming, [("count", "early")], "task")
        assert writes_at(fresh, last) == [("task-3", "count", 3)]
        put(saver, 4, {"a": 4}, parent=last)
        assert writes_at(fresh, coming) == [("task", "count", "early")]


def test_a_checkpoint_that_is_put_again_counts_once(open_saver, fresh):
    with open_saver(keep_last=2) as saver:
        talk(saver, 3)
        for value in range(3):
            put(saver, 3, {"a": value})
        assert ids_in(fresh.list(config_of())) == [checkpoint_id(3), checkpoint_id(2)]


def test_a_value_that_no_step_changes_outlives_the_step_that_wrote_it(open_saver, fresh):
    """Small, fresh, and so large that it lies in the log from the start."""
    constants = {"small": "x", "fresh": "y" * 5000, "large": "z" * 50_000, "list": [1, "w" * 500]}
    with open_saver(keep_last=1) as saver:
        last = None
        for n in range(1, 40):
            values = {**constants, "count": n}
            versions = {**dict.fromkeys(constants, 1), "count": n}
            new = ["count"] if n > 1 else versions
            last = put(saver, n, values, parent=last, versions=versions, new=new)
        assert values_at(fresh, last) == {**constants, "count": 39}


def test_a_saver_that_keeps_less_drops_what_another_kept(open_saver, fresh):
    with open_saver() as full, open_saver(keep_last=2) as shallow:
        last = talk(full, 10)
        assert len(list(fresh.list(config_of()))) == 10
        talk(shallow, 1, start=11, parent=last, said=[message(n) for n in range(1, 11)])
        assert_same(list(fresh.list(config_of())), as_in_memory(11)[:2])


def test_a_fork_of_a_kept_checkpoint_is_kept_with_it(open_saver, fresh):
    with open_saver(keep_last=2) as saver:
        root = talk(saver, 1)
        branches = [
            put(
                saver,
                n,
                {"messages": [message(1), message(n)]},
                parent=root,
                versions={"messages": 2},
            )
            for n in (2, 3)
        ]
        for n, branch in zip((2, 3), branches, strict=True):
            assert [item.id for item in values_at(fresh, branch)["messages"]] == ["m1", f"m{n}"]


@pytest.mark.parametrize("keep_last", [1, 2])
def test_a_delta_channel_is_rebuilt_from_as_many_ancestors_as_it_takes(
    open_saver, fresh, keep_last
):
    """More than are looked through at once, or kept before they are sorted out."""
    steps = 300
    with open_saver(keep_last=keep_last) as saver:
        last = None
        for n in range(1, steps + 1):
            last = put(
                saver,
                n,
                {"plain": n},
                parent=last,
                versions={"plain": n, "delta": n},
                metadata={"counters_since_delta_snapshot": {"delta": [n, n]}},
            )
            saver.put_writes(last, [("delta", n), ("plain", "x" * 50)], "task")
        history = fresh.get_delta_channel_history(config=last, channels=["delta"])
        assert [value for _, _, value in history["delta"]["writes"]] == list(range(1, steps))
        assert len(list(fresh.list(config_of()))) == keep_last


def test_ancestors_go_once_a_snapshot_stands_for_them(open_saver, fresh, redis_client):
    with open_saver(keep_last=1) as saver:
        last = None
        for n in range(1, 601):
            values = {"delta": list(range(n))} if n % 50 == 0 else {}
            last = put(
                saver,
                n,
                values,
                parent=last,
                versions={"delta": n},
                metadata={"counters_since_delta_snapshot": {"delta": [n % 50, n % 50]}},
            )
            saver.put_writes(last, [("delta", n)], "task")
        assert redis_client.zcard("langgraph:state:{thread}:checkpoints") < 250
        assert redis_client.zcard("langgraph:state:{thread}:writes") < 250


@pytest.mark.parametrize("ns", [("",), ("", "child:1")], ids=["root", "with a subgraph"])
def test_a_long_shallow_conversation_stays_bounded(redis_url, redis_client, fresh, ns):
    """A window of ten messages of 8 kB moves on: 5 MB go through, 80 kB are there."""
    onlooker = Onlooker(redis_client)
    most = 0
    with opened(redis_url, "sync", keep_last=1, ttl=1000) as saver:
        last = dict.fromkeys(ns)
        for n in range(1, 600 // len(ns)):
            window = [
                message(k, f"{k} " * (8000 // len(f"{k} "))) for k in range(max(1, n - 9), n + 1)
            ]
            for space in ns:
                values = {"messages": window, "count": n, "constant": "c" * 3000}
                versions = {"messages": n, "count": n, "constant": 1}
                new = ["messages", "count"] if n > 1 else versions
                last[space] = put(
                    saver, n, values, parent=last[space], ns=space, versions=versions, new=new
                )
                saver.put_writes(last[space], [("count", n)], "task")
            if n % 20 == 0:
                most = max(most, bytes_held(redis_client))
                for space in ns:
                    found = values_at(fresh, config_of(ns=space))
                    assert [item.text for item in found["messages"]] == [m.text for m in window]
                    assert found["constant"] == "c" * 3000
                    assert writes_at(fresh, config_of(ns=space)) == [("task", "count", n)]
                assert 990 < onlooker.remaining() <= 1000
    assert most < 3_000_000
    assert len(list(fresh.list(config_of(ns=None)))) == len(ns)
