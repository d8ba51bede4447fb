"""Counts stored and sent bytes and round trips of 100 chat turns (``scenarios.stored``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from langgraph.checkpoint.memory import InMemorySaver

from benchmarks.opened import Opened
from benchmarks.results import Stored
from benchmarks.savers import KINDS, Saver
from benchmarks.scale import Scale
from benchmarks.scenarios import stored
from benchmarks.wire import counting_proxy


def count(opened: Opened, name: str, api: str, scale: Scale) -> Stored:
    """One conversation on an otherwise empty server, seen through a counting proxy."""
    server = opened.server(name)
    if server is None:
        return _in_memory(opened, name, api, scale)
    with ExitStack() as stack:
        proxy = stack.enter_context(counting_proxy(server.address, server.protocol))
        talk = stack.enter_context(_conversation(opened, name, api, server.url_through(proxy.port)))
        talk(1)  # connections are made and scripts loaded
        server.clear()
        empty = server.stored_bytes()
        before = proxy.read()
        talk(scale.stored_turns)
        wire = proxy.read() - before
        kept = server.stored_bytes() - empty
        items = server.stored_items()
    server.clear()
    return Stored(
        api=api,
        saver=name,
        turns=scale.stored_turns,
        server_bytes=kept,
        server_items=items,
        sent_bytes=wire.sent_bytes,
        received_bytes=wire.received_bytes,
        round_trips_per_turn=wire.round_trips / scale.stored_turns,
        commands_per_turn=wire.commands / scale.stored_turns,
    )


@contextmanager
def _conversation(opened: Opened, name: str, api: str, url: str) -> Iterator:
    """A function that talks for so many turns on a new thread, with a saver of its own."""
    kind = KINDS[name]
    if api == "sync":
        with kind.open(url) as saver:
            stored.one_at_a_time(saver)
            yield lambda turns: stored.converse(saver, turns)
        return
    opening = kind.aopen(url)

    async def enter() -> Saver:
        saver = await opening.__aenter__()
        stored.one_at_a_time_async(saver)
        return saver

    saver = opened.runner.run(enter())
    try:
        yield lambda turns: opened.runner.run(stored.aconverse(saver, turns))
    finally:
        opened.runner.run(_leave(opening))


async def _leave(opening) -> None:
    await opening.__aexit__(None, None, None)


def _in_memory(opened: Opened, name: str, api: str, scale: Scale) -> Stored:
    saver = InMemorySaver()
    if api == "sync":
        stored.converse(saver, scale.stored_turns)
    else:
        opened.runner.run(stored.aconverse(saver, scale.stored_turns))
    return Stored(
        api=api,
        saver=name,
        turns=scale.stored_turns,
        server_bytes=stored.bytes_in_memory(saver),
        server_items=None,
        sent_bytes=None,
        received_bytes=None,
        round_trips_per_turn=None,
        commands_per_turn=None,
    )
