"""100 chat turns on one thread: bytes on the server, bytes sent, round trips a turn.

Counted by ``benchmarks.wire``, not timed. One saver call is under way at a time, so that a
round trip is unambiguous; nothing else about the run differs from a user's.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from langgraph.checkpoint.memory import InMemorySaver

from benchmarks.dialogs import question
from benchmarks.graphs import chat_graph, thread_config
from benchmarks.savers import Saver

NAME = "stored"

CALLS = ("get_tuple", "put", "put_writes")


def converse(saver: Saver, turns: int) -> None:
    graph = chat_graph(saver, asynchronous=False)
    config = thread_config(str(uuid4()))
    for number in range(turns):
        graph.invoke({"messages": [question(number)]}, config)


async def aconverse(saver: Saver, turns: int) -> None:
    graph = chat_graph(saver, asynchronous=True)
    config = thread_config(str(uuid4()))
    for number in range(turns):
        await graph.ainvoke({"messages": [question(number)]}, config)


def one_at_a_time(saver: Saver) -> None:
    """Let each of the saver's sync calls wait for the one before."""
    lock = threading.Lock()

    def serialized(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            with lock:
                return method(*args, **kwargs)

        return call

    for name in CALLS:
        setattr(saver, name, serialized(getattr(saver, name)))


def one_at_a_time_async(saver: Saver) -> None:
    """Let each of the saver's async calls wait for the one before."""
    lock = asyncio.Lock()

    def serialized(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        async def call(*args: Any, **kwargs: Any) -> Any:
            async with lock:
                return await method(*args, **kwargs)

        return call

    for name in CALLS:
        setattr(saver, f"a{name}", serialized(getattr(saver, f"a{name}")))


def bytes_in_memory(saver: InMemorySaver) -> int:
    """The serialized bytes that an ``InMemorySaver`` holds, Python's own overhead aside."""
    blobs = sum(len(value) for _, value in saver.blobs.values())
    checkpoints = sum(
        len(part)
        for namespaces in saver.storage.values()
        for namespace in namespaces.values()
        for entry in namespace.values()
        for _, part in entry[:2]
    )
    writes = sum(
        len(write[2][1]) for by_index in saver.writes.values() for write in by_index.values()
    )
    return blobs + checkpoints + writes
