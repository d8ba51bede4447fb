"""The server stops answering: a call fails after the timeout, and the saver goes on later."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from async_twins import opened
from conversations import message, messages, talk
from raw_checkpoints import config_of, put, values_at

from langgraph_dualstore import DualStoreSaver, HotStoreUnavailable

TIMEOUT = timedelta(milliseconds=150)


@pytest.fixture(params=["sync", "async"])
def methods(request):
    return request.param


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "not yet connected"])
def test_a_call_fails_after_the_timeout(own_server, methods, connected):
    with opened(own_server.url, methods, timeout=TIMEOUT) as saver:
        if connected:
            talk(saver, 1)
        own_server.suspend()
        for call in (lambda: saver.get_tuple(config_of()), lambda: talk(saver, 1)):
            began = time.monotonic()
            with pytest.raises(HotStoreUnavailable):
                call()
            assert 0.1 < time.monotonic() - began < 5
        own_server.resume()
        talk(saver, 3)
        assert values_at(saver, config_of())["messages"] == messages(3)


def test_a_put_that_failed_is_whole_or_absent_and_can_be_repeated(own_server, methods):
    """The server may carry it out once it goes on."""
    with opened(own_server.url, methods, timeout=TIMEOUT) as saver:
        last = talk(saver, 3)
        own_server.suspend()
        with pytest.raises(HotStoreUnavailable):
            put(saver, 4, {"messages": messages(4), "count": 4}, parent=last)
        with pytest.raises(HotStoreUnavailable):
            saver.put_writes(last, [("count", "late")], "task-3")
        own_server.resume()
        with DualStoreSaver.from_conn_string(own_server.url) as fresh:
            for reader in (fresh, saver):
                for found in reader.list(config_of()):
                    count = found.checkpoint["channel_values"]["count"]
                    assert found.checkpoint["channel_values"]["messages"] == messages(count)
                assert reader.get_tuple(last).pending_writes == [("task-3", "count", 3)]
            again = put(saver, 4, {"messages": messages(4), "count": 4}, parent=last)
            assert values_at(fresh, again) == {"messages": messages(4), "count": 4}
            said = [*messages(4), message(5)]
            last = put(saver, 5, {"messages": said}, parent=again)
            assert values_at(fresh, last) == {"messages": said}
            assert len(list(fresh.list(config_of()))) == 5


def test_a_late_answer_is_nobody_elses(own_server, methods):
    """Each later call gets its own reply, whatever was under way when the server stopped."""
    with opened(own_server.url, methods, timeout=TIMEOUT) as saver:
        for n in range(10):
            put(saver, 1, {"a": f"of {n}"}, thread_id=f"thread {n}")
        own_server.suspend()
        if methods == "async":

            async def all_fail():
                calls = [saver.saver.aget_tuple(config_of(f"thread {n}")) for n in range(10)]
                return await asyncio.gather(*calls, return_exceptions=True)

            errors = saver.loop.run(all_fail())
        else:
            with ThreadPoolExecutor(10) as pool:
                futures = [
                    pool.submit(saver.get_tuple, config_of(f"thread {n}")) for n in range(10)
                ]
                errors = [future.exception() for future in futures]
        assert {type(error) for error in errors} == {HotStoreUnavailable}
        own_server.resume()
        for _ in range(3):
            for n in range(10):
                assert values_at(saver, config_of(f"thread {n}")) == {"a": f"of {n}"}
        assert saver.get_tuple(config_of("none")) is None


def test_a_pause_shorter_than_the_timeout_is_waited_out(own_server, methods):
    with opened(own_server.url, methods, timeout=timedelta(seconds=5)) as saver:
        last = talk(saver, 1)
        own_server.suspend()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: (time.sleep(0.3), own_server.resume()))
            last = talk(saver, 1, start=2, parent=last, said=messages(1))
        assert values_at(saver, last)["messages"] == messages(2)
