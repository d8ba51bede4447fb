"""What gives a thread a new deadline, and what keeps it from having one."""

from datetime import timedelta

import pytest
from async_twins import opened
from conversations import message, talk
from raw_checkpoints import config_of, put
from stored_threads import FOUR_KEYS, Onlooker, shorten

HOUR = 3600


@pytest.fixture(params=["sync", "async"])
def open_saver(request, redis_url):
    return lambda **options: opened(redis_url, request.param, **{"ttl": HOUR, **options})


@pytest.fixture
def onlooker(redis_client):
    return Onlooker(redis_client)


READS = {
    "get_tuple": lambda saver: saver.get_tuple(config_of()),
    "get_tuple by id": lambda saver: saver.get_tuple(put_before),
    "get_tuple in another namespace": lambda saver: saver.get_tuple(config_of(ns="child:1")),
    "list": lambda saver: list(saver.list(config_of())),
    "list of all namespaces": lambda saver: list(saver.list(config_of(ns=None))),
    "list of all threads": lambda saver: list(saver.list(None)),
    "get_delta_channel_history": lambda saver: saver.get_delta_channel_history(
        config=put_before, channels=["messages"]
    ),
}
put_before = config_of(id="1f000000-0000-6000-8000-000000000002")


@pytest.mark.parametrize("read", READS)
def test_reading_refreshes_the_whole_thread_if_it_is_asked_to(
    open_saver, redis_client, onlooker, read
):
    with open_saver(refresh_on_read=True) as saver:
        talk(saver, 3)
        talk(saver, 1, ns="child:1")
        shorten(redis_client, 60)
        READS[read](saver)
        assert set(onlooker.thread()) == FOUR_KEYS
        assert HOUR - 10 < onlooker.remaining() <= HOUR


@pytest.mark.parametrize("read", READS)
def test_reading_leaves_the_deadline_if_it_is_not(open_saver, redis_client, onlooker, read):
    with open_saver() as saver:
        talk(saver, 3)
        talk(saver, 1, ns="child:1")
        shorten(redis_client, 60)
        before = onlooker.thread()
        READS[read](saver)
        assert onlooker.thread() == pytest.approx(before, abs=onlooker.slack)


def test_reading_never_shortens_a_life(open_saver, onlooker):
    with open_saver(refresh_on_read=True) as saver:
        talk(saver, 1)
        saver.extend_ttl("thread", 2 * HOUR)
        saver.get_tuple(config_of())
        assert onlooker.remaining() > HOUR


WRITES = {
    "put": lambda saver, last: put(saver, 9, {"messages": [message(9)]}, parent=last),
    "put in another namespace": lambda saver, last: put(saver, 9, {"a": 1}, ns="child:1"),
    "put of nothing": lambda saver, last: put(saver, 9),
    "put again": lambda saver, last: put(saver, 3, {"messages": []}),
    "put_writes": lambda saver, last: saver.put_writes(last, [("a", 1)], "another"),
    "put_writes that are there": lambda saver, last: saver.put_writes(
        last, [("count", 0)], "task-3"
    ),
    "put_writes to come": lambda saver, last: saver.put_writes(
        config_of(id="9"), [("a", 1)], "task"
    ),
    "prune": lambda saver, last: saver.prune(["thread"]),
    "copy to it": lambda saver, last: (
        put(saver, 1, {"a": 1}, thread_id="source"),
        saver.copy_thread("source", "thread"),
        saver.delete_thread("source"),
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_writing_refreshes_the_whole_thread(open_saver, redis_client, onlooker, write):
    with open_saver() as saver:
        last = talk(saver, 3)
        shorten(redis_client, 60)
        WRITES[write](saver, last)
        assert set(onlooker.thread()) == FOUR_KEYS
        assert HOUR - 10 < onlooker.remaining() <= HOUR


@pytest.mark.parametrize("write", WRITES)
def test_writing_never_shortens_a_life(open_saver, onlooker, write):
    with open_saver() as saver:
        last = talk(saver, 3)
        saver.extend_ttl("thread", 2 * HOUR)
        WRITES[write](saver, last)
        assert onlooker.remaining() > HOUR


@pytest.mark.parametrize(
    "ttl", [timedelta(hours=3), 3 * HOUR, {"default_ttl": 180}], ids=["timedelta", "s", "dict"]
)
def test_a_life_can_be_extended(open_saver, onlooker, ttl):
    with open_saver() as saver:
        talk(saver, 3)
        assert saver.extend_ttl("thread", ttl) is True
        assert set(onlooker.thread()) == FOUR_KEYS
        assert 3 * HOUR - 10 < onlooker.remaining() <= 3 * HOUR
        assert saver.ttl_of("thread") > timedelta(hours=2)


def test_a_life_is_extended_by_the_setting_if_nothing_else_is_said(
    open_saver, redis_client, onlooker
):
    with open_saver() as saver:
        talk(saver, 3)
        shorten(redis_client, 60)
        assert saver.extend_ttl("thread") is True
        assert HOUR - 10 < onlooker.remaining() <= HOUR


@pytest.mark.parametrize("ttl", [None, 60, 0.5, timedelta(minutes=5)], ids=str)
def test_extending_never_shortens_a_life(open_saver, onlooker, ttl):
    with open_saver() as saver:
        talk(saver, 1)
        saver.extend_ttl("thread", 2 * HOUR)
        assert saver.extend_ttl("thread", ttl) is True
        assert onlooker.remaining() > 2 * HOUR - 10


@pytest.mark.parametrize("ttl", [None, 60])
def test_extending_gives_no_end_to_a_life_that_has_none(open_saver, onlooker, ttl):
    with open_saver(ttl=None) as endless, open_saver() as saver:
        talk(endless, 1)
        assert saver.extend_ttl("thread", ttl) is True
        assert onlooker.remaining() is None


def test_without_a_ttl_extending_takes_the_end_away(open_saver, onlooker):
    with open_saver() as saver, open_saver(ttl=None) as endless:
        talk(saver, 1)
        assert endless.extend_ttl("thread") is True
        assert onlooker.remaining() is None


def test_a_saver_with_a_ttl_gives_one_to_what_it_writes_to(open_saver, redis_client, onlooker):
    """No thread is for ever because it was written without a TTL once."""
    with open_saver(ttl=None) as endless, open_saver() as saver:
        last = talk(endless, 1)
        talk(saver, 1, start=2, parent=last)
        assert set(onlooker.thread()) == FOUR_KEYS
        assert HOUR - 10 < onlooker.remaining() <= HOUR
        talk(endless, 1, start=3, parent=last)
        assert onlooker.remaining() is None


def test_what_is_not_there_has_no_life(open_saver, redis_client):
    with open_saver() as saver:
        assert saver.ttl_of("absent") == timedelta(0)
        assert saver.extend_ttl("absent") is False
        assert saver.pin("absent") is False
        assert saver.unpin("absent") is False
        assert redis_client.dbsize() == 0


@pytest.mark.parametrize("ttl", [HOUR, None])
def test_a_pinned_thread_does_not_expire_whatever_is_done_with_it(open_saver, onlooker, ttl):
    with open_saver(ttl=ttl, refresh_on_read=True) as saver:
        last = put(saver, 1)  # no log and no writes yet
        assert saver.pin("thread") is True
        assert saver.ttl_of("thread") is None
        last = talk(saver, 3, start=2, parent=last)
        assert set(onlooker.thread()) == FOUR_KEYS
        steps = [lambda: READS["get_tuple"](saver), lambda: saver.extend_ttl("thread", 60)]
        steps += [lambda write=write: write(saver, last) for write in WRITES.values()]
        for step in steps:
            step()
            assert onlooker.remaining() is None
        assert saver.pin("thread") is True


@pytest.mark.parametrize("ttl", [HOUR, None])
def test_unpinning_gives_a_full_ttl(open_saver, onlooker, ttl):
    with open_saver(ttl=ttl) as saver:
        last = put(saver, 1)
        saver.pin("thread")
        talk(saver, 3, start=2, parent=last)
        assert saver.unpin("thread") is True
        assert set(onlooker.thread()) == FOUR_KEYS
        if ttl is None:
            assert onlooker.remaining() is None
        else:
            assert HOUR - 10 < onlooker.remaining() <= HOUR
        assert saver.unpin("thread") is False


def test_unpinning_what_was_not_pinned_changes_nothing(open_saver, redis_client, onlooker):
    with open_saver() as saver:
        talk(saver, 1)
        shorten(redis_client, 60)
        assert saver.unpin("thread") is False
        assert onlooker.remaining() <= 60


def test_a_deleted_thread_takes_its_pin_along(open_saver, onlooker):
    with open_saver() as saver:
        talk(saver, 1)
        saver.pin("thread")
        saver.delete_thread("thread")
        talk(saver, 1)
        assert HOUR - 10 < onlooker.remaining() <= HOUR


def test_a_copy_has_a_life_of_its_own(open_saver, redis_client, onlooker):
    with open_saver() as saver:
        talk(saver, 2)
        saver.pin("thread")
        saver.copy_thread("thread", "copy")
        saver.delete_thread("thread")
        assert set(onlooker.thread()) == FOUR_KEYS
        assert HOUR - 10 < onlooker.remaining() <= HOUR
        shorten(redis_client, 60)
        saver.copy_thread("copy", "another")
        saver.delete_thread("copy")
        assert HOUR - 10 < onlooker.remaining() <= HOUR


def test_a_thread_id_that_is_a_number_is_the_thread_of_that_name(open_saver):
    with open_saver() as saver:
        talk(saver, 1, thread_id="7")
        assert saver.ttl_of(7) > timedelta(0)
        assert saver.extend_ttl(7)
        assert saver.pin(7)
        assert saver.unpin(7)
