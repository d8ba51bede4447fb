"""Random sequences of operations leave what they leave in an InMemorySaver.

Two savers work on one store: one by its sync methods, the other by its async
ones, each with its own idea of what the server has. Every channel version is
unique, as `get_next_version` makes them, so that it denotes one value.
"""

import contextlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from encryption import encrypting
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from langgraph.checkpoint.memory import InMemorySaver
from other_loop import AsyncMethodsInALoop
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of
from state_strategies import CHANNELS, Step, message_lists, steps, values
from tuple_comparison import assert_same, encoded, in_order

from langgraph_dualstore import DualStoreSaver

THREADS = ["a", "a:b"]
NAMESPACES = ["", "child:1"]

metadata = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["input", "loop", "update", "fork"]),
        "step": st.integers(-1, 3),
        "mark": st.sampled_from([None, "x", "y", 2.5, [1, {"a": None}], {"k": [1]}]),
    }
)
either = st.sampled_from([0, 1])
numbers = st.integers(1, 40)
further = st.integers(1, 6)
pick = st.integers(0, 10**6)


@dataclass
class Put:
    """A checkpoint that was put, with the very objects that were put."""

    thread: str
    ns: str
    number: int
    parent: str | None
    values: dict[str, Any]
    versions: dict[str, str]

    @property
    def config(self) -> Any:
        return config_of(self.thread, self.ns, checkpoint_id(self.number))


class SameAsInMemory(RuleBasedStateMachine):
    runs = itertools.count()

    def __init__(self, redis_url: str, serde: Any = None) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        prefix = f"run{next(self.runs)}"
        ours, others = (
            self.stack.enter_context(
                DualStoreSaver.from_conn_string(redis_url, prefix=prefix, serde=serde)
            )
            for _ in range(2)
        )
        in_loop = AsyncMethodsInALoop(others)
        self.stack.callback(in_loop.close)
        self.savers: list[Any] = [ours, in_loop]
        self.reference = InMemorySaver()
        self.puts: list[Put] = []
        self.versions = itertools.count(1)

    def teardown(self) -> None:
        try:
            for thread in THREADS:
                for which in (0, 1):
                    self.lists_are_the_same(which, thread, None, None, 0, False, {}, None)
        finally:
            self.stack.close()

    def next_version(self) -> str:
        return f"{next(self.versions):032}.0.5"

    def on_both(self, which: int, call: Any) -> None:
        call(self.savers[which])
        call(self.reference)

    def put(self, which: int, put: Put, new: list[str], meta: dict[str, Any]) -> None:
        new_versions = {name: put.versions[name] for name in new}
        self.on_both(
            which,
            lambda saver: saver.put(
                config_of(put.thread, put.ns, put.parent),
                checkpoint_of(checkpoint_id(put.number), put.values, put.versions),
                {**meta, "parents": {}},
                new_versions,
            ),
        )
        self.puts = [old for old in self.puts if old.config != put.config]
        self.puts.append(put)

    def one_of_the_puts(self, at: int) -> Put:
        return self.puts[-1 - at % len(self.puts)]

    @initialize()
    def begin(self) -> None:
        start: dict[str, Any] = {"messages": [], "other": None}
        versions = {name: self.next_version() for name in start}
        self.put(0, Put("a", "", 1, None, start, versions), list(start), {"source": "input"})

    @rule(
        which=either,
        thread=st.sampled_from(THREADS),
        ns=st.sampled_from(NAMESPACES),
        number=numbers,
        given=st.fixed_dictionaries({"messages": message_lists, "other": values}),
        meta=metadata,
    )
    def put_a_root(self, which, thread, ns, number, given, meta):
        """Also puts over a checkpoint of the same id."""
        versions = {name: self.next_version() for name in given}
        self.put(which, Put(thread, ns, number, None, given, versions), list(given), meta)

    @precondition(lambda self: self.puts)
    @rule(
        which=either,
        at=pick,
        run=st.lists(steps, min_size=1, max_size=6),
        meta=metadata,
    )
    def put_children(self, which, at, run, meta):
        """The steps of a run: what each wrote has a new version, the rest is as it was."""
        parent = self.one_of_the_puts(at)
        for step in run:
            parent = self.put_child_of(parent, which, step, step.channels, meta)

    @precondition(lambda self: self.puts)
    @rule(
        which=either, at=pick, step=steps, read=st.booleans(), delete=st.booleans(), meta=metadata
    )
    def put_a_child_of_what_another_process_took_away(self, which, at, step, read, delete, meta):
        """The parent is deleted or replaced meanwhile; the step has to write everything."""
        parent = self.one_of_the_puts(at)
        if read:
            self.savers[which].get_tuple(parent.config)
        if delete:
            self.delete_thread(1 - which, parent.thread)
        else:
            versions = {name: self.next_version() for name in parent.values}
            other = replace(parent, values={**parent.values, "other": "replaced"})
            other = replace(other, parent=None, versions=versions)
            self.put(1 - which, other, list(versions), {"source": "update"})
        self.put_child_of(parent, which, step, set(parent.versions), meta)

    def put_child_of(
        self, parent: Put, which: int, step: Step, channels: Iterable[str], meta: Any
    ) -> Put:
        child = Put(
            parent.thread,
            parent.ns,
            parent.number + step.ahead,
            checkpoint_id(parent.number),
            step.take(parent.values, channels),
            {**parent.versions, **{name: self.next_version() for name in channels}},
        )
        self.put(which, child, sorted(channels), meta)
        return child

    @precondition(lambda self: self.puts)
    @rule(which=either, at=pick, ahead=further, meta=metadata)
    def copy_a_checkpoint(self, which, at, ahead, meta):
        """As `update_state(…, as_node="__copy__")` does: under the grandparent, nothing new."""
        original = self.one_of_the_puts(at)
        stored = self.reference.get_tuple(original.config).checkpoint["channel_values"]
        copied = Put(
            original.thread,
            original.ns,
            original.number + ahead,
            original.parent,
            stored,
            original.versions,
        )
        self.put(which, copied, [], meta)

    @rule(
        which=either,
        thread=st.sampled_from(THREADS),
        ns=st.sampled_from(NAMESPACES),
        number=numbers,
        known=st.booleans(),
        at=pick,
        writes=st.lists(
            st.tuples(
                st.sampled_from(
                    [*CHANNELS, "__interrupt__", "__resume__", "__error__", "__scheduled__"]
                ),
                values | message_lists,
            ),
            max_size=4,
        ),
        task=st.sampled_from(["t1", "t2", "t3"]),
        path=st.sampled_from(["", "p1", "p2"]),
    )
    def put_writes(self, which, thread, ns, number, known, at, writes, task, path):
        """Also those of a checkpoint that comes later, or never."""
        config = config_of(thread, ns, checkpoint_id(number))
        if known and self.puts:
            config = self.one_of_the_puts(at).config
        self.on_both(which, lambda saver: saver.put_writes(config, writes, task, path))

    @rule(which=either, thread=st.sampled_from(THREADS))
    def delete_thread(self, which, thread):
        self.on_both(which, lambda saver: saver.delete_thread(thread))
        self.puts = [put for put in self.puts if put.thread != thread]

    @precondition(lambda self: self.puts)
    @rule(which=either, at=pick, latest=st.booleans())
    def checkpoints_are_the_same(self, which, at, latest):
        put = self.one_of_the_puts(at)
        config = config_of(put.thread, put.ns) if latest else put.config
        assert_same([self.savers[which].get_tuple(config)], [self.reference.get_tuple(config)])

    @rule(
        which=either,
        thread=st.none() | st.sampled_from(THREADS),
        ns=st.none() | st.sampled_from(NAMESPACES),
        before=st.none() | numbers,
        at=pick,
        before_a_put=st.booleans(),
        filter=st.just({})
        | metadata.map(lambda meta: {"source": meta["source"]})
        | metadata.map(lambda meta: {"mark": meta["mark"], "step": meta["step"]}),
        limit=st.none() | st.integers(0, 5),
    )
    def lists_are_the_same(self, which, thread, ns, before, at, before_a_put, filter, limit):
        if before and before_a_put and self.puts:
            before = self.one_of_the_puts(at).number
        config = config_of(thread, ns) if thread else None
        one_list = thread is not None and ns is not None
        wanted = {
            "filter": filter or None,
            "before": config_of("any", id=checkpoint_id(before)) if before else None,
            # Which of several namespaces comes first is open.
            "limit": limit if one_list else None,
        }
        assert_same(
            in_order(self.savers[which].list(config, **wanted)),
            in_order(self.reference.list(config, **wanted)),
        )

    @precondition(lambda self: self.puts)
    @rule(which=either, at=pick, channels=st.sets(st.sampled_from([*CHANNELS, "unknown"])))
    def delta_histories_are_the_same(self, which, at, channels):
        wanted = {"config": self.one_of_the_puts(at).config, "channels": sorted(channels)}
        found = self.savers[which].get_delta_channel_history(**wanted)
        expected = self.reference.get_delta_channel_history(**wanted)
        assert found == expected
        assert encoded(found) == encoded(expected)


@pytest.mark.timeout(400)  # to find the shortest sequence that fails takes long
@pytest.mark.parametrize("serde", [None, encrypting()], ids=["plain", "encrypted"])
def test_everything_readable_is_as_in_memory(redis_url, serde):
    run_state_machine_as_test(
        lambda: SameAsInMemory(redis_url, serde),
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
