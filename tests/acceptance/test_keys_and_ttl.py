"""A thread has four keys, whatever its length, that live and go together."""

import time

import pytest
from async_twins import opened
from conversations import talk
from raw_checkpoints import checkpoint_of, config_of, put
from redis.crc import key_slot
from stored_threads import FOUR_KEYS, Onlooker, assert_one_deadline, shorten

DAY = 24 * 60 * 60


@pytest.fixture
def saver(open_saver):
    with open_saver() as saver:
        yield saver


@pytest.fixture
def onlooker(redis_client):
    return Onlooker(redis_client)


@pytest.mark.parametrize("thread_id", ["thread", "a}:b{c", "", "🎉" * 50])
def test_a_thread_of_500_checkpoints_has_the_keys_of_one(saver, redis_client, onlooker, thread_id):
    last = talk(saver, 1, thread_id=thread_id)
    keys = set(redis_client.keys())
    assert set(onlooker.thread()) == FOUR_KEYS
    assert all(key.startswith(b"langgraph:state:{") for key in keys)

    if thread_id == "thread":
        talk(saver, 499, start=2, parent=last, thread_id=thread_id)
        talk(saver, 3, thread_id=thread_id, ns="child:1")
    assert set(redis_client.keys()) == keys
    assert len({key_slot(key) for key in keys}) == 1
    assert len(list(saver.list(config_of(thread_id)))) == (500 if thread_id == "thread" else 1)


def test_they_expire_together_after_24_hours_by_default(saver, redis_client, onlooker):
    last = talk(saver, 1)
    assert set(onlooker.thread()) == FOUR_KEYS
    assert DAY - 10 < onlooker.remaining() <= DAY
    talk(saver, 499, start=2, parent=last)
    assert set(onlooker.thread()) == FOUR_KEYS
    assert DAY - 10 < onlooker.remaining() <= DAY


def test_whatever_comes_first_has_the_deadline_too(saver, redis_client, onlooker):
    """Pending writes may come before their checkpoint, and a checkpoint before its values."""
    saver.put_writes(config_of(id="1"), [("a", 1)], "task")
    assert set(onlooker.thread()) == {"head", "writes"}
    assert DAY - 10 < onlooker.remaining() <= DAY
    redis_client.flushdb()
    put(saver, 1)
    assert set(onlooker.thread()) == {"head", "checkpoints"}
    assert DAY - 10 < onlooker.remaining() <= DAY


def fill(saver):
    """Threads with everything that a thread can have."""
    for thread_id in ("thread", "a:b"):
        for number, ns in enumerate(("", "child:1")):
            run = {"run_id": f"run-{number}"}
            last = talk(saver, 3, thread_id=thread_id, ns=ns, metadata=run)
            talk(saver, 2, start=4, parent=last, thread_id=thread_id, ns=ns, metadata=run)
            delta = {**run, "counters_since_delta_snapshot": {"d": [1, 1]}}
            for n in (6, 7, 8):
                last = put(
                    saver,
                    n,
                    parent=last,
                    thread_id=thread_id,
                    ns=ns,
                    versions={"d": n},
                    metadata=delta,
                )
                saver.put_writes(last, [("d", n)], "task")
    saver.pin("a:b")


REMOVALS = {
    "delete_thread": lambda saver: [saver.delete_thread(name) for name in ("thread", "a:b")],
    "prune": lambda saver: saver.prune(["thread", "a:b", "absent"], strategy="delete"),
    "keep_latest, then prune": lambda saver: [
        saver.prune(["thread", "a:b"], strategy=strategy) for strategy in ("keep_latest", "delete")
    ],
    "delete_for_runs": lambda saver: saver.delete_for_runs(["run-0", "run-1"]),
    "keep_latest, then delete_for_runs": lambda saver: [
        saver.prune(["thread", "a:b"]),
        saver.delete_for_runs(["run-0", "run-1"]),
    ],
    "one run after the other": lambda saver: [
        saver.delete_for_runs(["run-0"]),
        saver.delete_for_runs(["run-1"]),
    ],
    "expiry": lambda saver: saver.unpin("a:b"),
}


@pytest.mark.parametrize("methods", ["sync", "async"])
@pytest.mark.parametrize("removal", REMOVALS)
def test_nothing_is_left_of_a_removed_thread(redis_url, redis_client, methods, removal):
    with opened(redis_url, methods, ttl=DAY) as saver:
        fill(saver)
        saver.extend_ttl("absent")
        assert saver.get_tuple(config_of("never written")) is None
        assert redis_client.dbsize() == 8
        REMOVALS[removal](saver)
        if removal == "expiry":
            shorten(redis_client, 0.05)
        patience = time.monotonic() + 10
        # Redis takes expired keys for gone at once and removes them a little later.
        while removal == "expiry" and redis_client.dbsize() and time.monotonic() < patience:
            time.sleep(0.02)
        assert redis_client.dbsize() == 0
        assert saver.get_tuple(config_of()) is None
        assert list(saver.list(None)) == []
        assert redis_client.dbsize() == 0


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_an_expired_thread_is_gone_at_once_and_as_a_whole(redis_url, redis_client, methods):
    with opened(redis_url, methods, ttl=0.25) as saver:
        onlooker = Onlooker(redis_client)
        talk(saver, 5)
        seen = set()
        while threads := onlooker.threads():
            (deadlines,) = threads.values()
            seen.add(frozenset(deadlines))
            assert_one_deadline(deadlines, onlooker.slack)
        assert seen == {frozenset(FOUR_KEYS)}
        assert saver.get_tuple(config_of()) is None
        assert list(saver.list(config_of())) == []
        assert saver.ttl_of("thread").total_seconds() == 0


def test_runs_that_are_deleted_in_part_leave_the_rest_with_its_deadline(saver, onlooker):
    last = talk(saver, 2, metadata={"run_id": "gone"})
    talk(saver, 1, start=3, parent=last, metadata={"run_id": "kept"})
    saver.delete_for_runs(["gone"])
    assert set(onlooker.thread()) == FOUR_KEYS
    assert DAY - 10 < onlooker.remaining() <= DAY
    assert len(list(saver.list(config_of()))) == 1


def test_no_put_goes_without_a_ttl_because_the_checkpoint_is_empty(saver, onlooker):
    saver.put(config_of(), checkpoint_of("", {}, {}), {}, {})
    assert set(onlooker.thread()) == {"head", "checkpoints"}
