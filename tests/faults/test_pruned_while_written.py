"""A thread is pruned and copied while it is written: no put is lost, and no copy is half."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from async_twins import opened
from conversations import messages
from raw_checkpoints import config_of, found_at, put

from langgraph_dualstore import DualStoreSaver, HotStoreError

SECONDS = 0.6


def assert_step(found, n):
    assert found.checkpoint["channel_values"] == {"messages": messages(n), "count": n}


def write(url, methods, ns, written):
    """Each step must be there with its writes, for it is the newest."""
    last, n = None, 0
    end = time.monotonic() + SECONDS
    with opened(url, methods) as saver, DualStoreSaver.from_conn_string(url) as fresh:
        while time.monotonic() < end:
            n = n % 40 + 1
            if n == 1:
                last = None
                if ns == "":
                    saver.delete_thread("thread")
            values = {"messages": messages(n), "count": n}
            last = put(saver, n, values, parent=last, ns=ns)
            saver.put_writes(last, [("count", n)], "task")
            written.append(last)
            if ns == "":  # the other namespace is deleted along with this one
                for reader in (saver, fresh):
                    found = found_at(reader, last)
                    assert_step(found, n)
                    assert found.pending_writes == [("task", "count", n)]


def disturb(url, stopped, done):
    with DualStoreSaver.from_conn_string(url) as saver:
        while not stopped.is_set():
            for call in (
                lambda: saver.prune(["thread"]),
                lambda: saver.copy_thread("thread", "copy"),
            ):
                # It may say that it was disturbed too often.
                with contextlib.suppress(HotStoreError):
                    call()
                    done.append(1)
            for name in ("thread", "copy"):
                for found in saver.list(config_of(name, None)):
                    assert_step(found, found.checkpoint["channel_values"]["count"])
            saver.delete_thread("copy")


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_every_put_is_there_and_every_copy_is_whole(redis_url, methods):
    stopped, written, done = threading.Event(), [], []
    with ThreadPoolExecutor(3) as pool:
        disturbing = pool.submit(disturb, redis_url, stopped, done)
        writing = [pool.submit(write, redis_url, methods, ns, written) for ns in ("", "child:1")]
        try:
            for one in writing:
                one.result(30)
        finally:
            stopped.set()
        disturbing.result(30)
    assert len(written) > 20
    assert len(done) > 5
