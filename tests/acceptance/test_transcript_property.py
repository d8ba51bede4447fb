"""Whatever is done to a list of messages, and between: the transcript is a simple model's.

The model: every message that was ever written, in the order in which it was written first,
in its last version; present are those of the newest checkpoint.
"""

import contextlib
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from memory_archive import MemoryArchive
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of

from langgraph_dualstore import DualStoreSaver

START = datetime(2024, 1, 1, tzinfo=UTC)
runs = itertools.count()
places = st.integers(0, 30)
counts = st.integers(1, 3)

writing = st.one_of(
    st.tuples(st.just("add"), counts),
    st.tuples(st.just("add"), counts),
    st.tuples(st.just("insert"), places),
    st.tuples(st.just("edit"), places),
    st.tuples(st.just("remove"), places),
    st.tuples(st.just("trim"), counts),
    st.tuples(st.just("clear"), st.just(0)),
    st.tuples(st.just("put back"), places),
    st.tuples(st.just("shuffle"), places),
    st.tuples(st.just("go back"), places),
)
writes = st.tuples(st.integers(0, 2), writing)
"""Which saver writes, and what."""

between = st.tuples(
    st.integers(0, 1), st.tuples(st.sampled_from(["archive", "prune", "restart"]), st.just(0))
)
sequences = st.lists(st.one_of(writes, writes, between), min_size=1, max_size=25)


@dataclass
class Model:
    """A thread as it should be: messages are pairs of an id and a version."""

    now: list[tuple[str, int]] = field(default_factory=list)
    ever: dict[str, int] = field(default_factory=dict)
    lists: list[list[tuple[str, int]]] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)

    def new(self) -> tuple[str, int]:
        return f"m{next(self.numbers)}", 0

    def change(self, what: str, at: int) -> None:
        items = list(self.now)
        place = at % len(items) if items else 0
        if what == "add":
            items += [self.new() for _ in range(at)]
        elif what == "insert":
            items.insert(place, self.new())
        elif what == "edit" and items:
            name, _ = items[place]
            items[place] = name, next(self.numbers) + 1
        elif what == "remove":
            del items[place : place + 1]
        elif what == "trim":
            items = items[-at:]
        elif what == "clear":
            items = []
        elif what == "put back":
            gone = [item for item in self.ever.items() if item[0] not in dict(items)]
            items += gone[at % len(gone) :][:1] if gone else []
        elif what == "shuffle":
            items = items[place:] + items[:place]
        self.write(items)

    def write(self, items: list[tuple[str, int]]) -> None:
        self.now = items
        self.lists.append(items)
        self.ever |= dict(items)


class Thread:
    """The same thread in Redis, written by three savers, of which the last may know no archive."""

    def __init__(self, url: str, redis_client: Any, options: dict[str, Any], mixed: bool) -> None:
        self.client, self.prefix = redis_client, f"run{next(runs)}"
        self.archive, self.model = MemoryArchive(), Model()
        self.stack = contextlib.ExitStack()
        options = {"prefix": self.prefix, "archive_on": "manual", **options}
        self.savers = [
            self.stack.enter_context(
                DualStoreSaver.from_conn_string(url, archive=archive, **options)
            )
            for archive in (self.archive, self.archive, None if mixed else self.archive)
        ]

    def do(self, which: int, what: str, at: int) -> None:
        saver = self.savers[which]
        if what == "archive":
            self.check(saver)
        elif what == "prune":
            saver.prune(["thread"])
        elif what == "restart":
            self.check(saver)
            for key in self.client.keys(f"{self.prefix}:*"):
                self.client.delete(key)
            assert saver.restore_thread("thread") == bool(self.model.lists)
        elif what == "go back" and self.model.lists:
            place = at % len(self.model.lists)
            self.model.write([*self.model.lists[place], self.model.new()])
            self.put(saver, checkpoint_id(place + 1))
        else:
            self.model.change(what, at)
            found = saver.get_tuple(config_of())
            self.put(saver, found.checkpoint["id"] if found else None)

    def put(self, saver: DualStoreSaver, parent: str | None) -> None:
        n = len(self.model.lists)
        checkpoint = checkpoint_of(
            checkpoint_id(n), {"messages": [*map(message, self.model.now)]}, {"messages": n}
        )
        checkpoint["ts"] = (START + timedelta(seconds=n)).isoformat()
        if parent is not None:
            saver.get_tuple(config_of(id=parent))
        metadata: Any = {"source": "loop", "step": n, "parents": {}}
        saver.put(config_of(id=parent), checkpoint, metadata, {"messages": n})

    def check(self, saver: DualStoreSaver) -> None:
        if not self.model.lists:
            return
        assert saver.archive_thread("thread") == "archived"
        kept = self.archive.threads["thread"]
        assert {key: row.content for (_, key), row in kept.messages.items()} == {
            name: text_of(name, version) for name, version in self.model.ever.items()
        }
        assert [key for _, key in kept.messages] == list(self.model.ever)
        present = {key for _, key in kept.messages.keys() - kept.removed}
        assert present == set(dict(self.model.now))


def text_of(name: str, version: int) -> str:
    return f"{name}, version {version}" + " and more" * (version % 30)


def message(item: tuple[str, int]) -> Any:
    name, version = item
    text = text_of(name, version)
    if name.endswith("3"):
        return {"role": "user", "content": text, "id": name}
    return (AIMessage if name.endswith("5") else HumanMessage)(text, id=name)


def run(thread: Thread, steps: list[Any]) -> None:
    with thread.stack:
        for which, (what, at) in steps:
            thread.do(which, what, at)
        thread.check(thread.savers[0])


OPTIONS = {
    "all kept": {},
    "two kept": {"keep_last": 2},
    "newest kept": {"keep_last": 1},
    "encrypted": {
        "serde": EncryptedSerializer.from_pycryptodome_aes(key=b"0123456789abcdef"),
        "transcript": True,
    },
}

bounded = settings(
    max_examples=60,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(400)  # to find the shortest sequence that fails takes long
@pytest.mark.parametrize("options", OPTIONS)
def test_the_transcript_is_that_of_the_model(redis_url, redis_client, options):
    @bounded
    @given(steps=sequences)
    def holds(steps):
        run(Thread(redis_url, redis_client, OPTIONS[options], mixed=False), steps)

    holds()


@pytest.mark.timeout(400)
def test_also_if_a_saver_without_an_archive_writes_too(redis_url, redis_client):
    """Unless what that one wrote is dropped from Redis, too, before it is archived."""

    @bounded
    @given(steps=sequences)
    def holds(steps):
        kept = [step for step in steps if step[1][0] != "prune"]
        run(Thread(redis_url, redis_client, {}, mixed=True), kept)

    holds()
