"""What cannot be copied is told, thread by thread, and holds up no other."""

from dataclasses import dataclass

import pytest
from copy_sources import opened
from graph_runner import thread
from graphs import chat_graph, says
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from raw_checkpoints import config_of, put, writes_at

from langgraph_dualstore import ConfigurationError, DualStoreSaver, HotStoreUnavailable
from langgraph_dualstore.copying import acopy_threads, copy_threads, find_thread_ids


@dataclass
class Order:
    number: int


@pytest.fixture
def source():
    source = InMemorySaver()
    for name in "123":
        chat_graph(source).invoke(says("a"), thread(name))
    return source


def by_thread(copies):
    return {copy.thread_id: copy for copy in copies}


def corrupt(source, thread_id):
    for key in source.blobs:
        if key[0] == thread_id and key[2] == "messages":
            source.blobs[key] = ("msgpack", b"\xc1 no value")


async def test_a_thread_that_the_source_cannot_read(source, saver):
    corrupt(source, "2")
    for copies in (
        by_thread(copy_threads(source, saver)),
        by_thread([copy async for copy in acopy_threads(source, saver)]),
    ):
        assert copies["2"].outcome == "failed"
        assert copies["2"].problem.startswith("it cannot be read: ")
        assert {copies["1"].outcome, copies["3"].outcome} <= {"copied", "unchanged"}
    assert saver.get_tuple(config_of("2")) is None
    assert saver.get_tuple(config_of("3"))


def test_a_thread_that_the_source_does_not_have(source, saver):
    copies = by_thread(copy_threads(source, saver, ["1", "4"]))
    assert (copies["1"].outcome, copies["4"].outcome) == ("copied", "failed")
    assert copies["4"].problem == "the source has no such thread"


def test_a_class_that_the_target_may_not_revive(redis_url, saver, caplog):
    source = InMemorySaver()
    put(source, 1, {"order": Order(1), "orders": [Order(2)]})
    (copy,) = copy_threads(source, saver)
    assert copy.outcome == "failed"
    assert "channel 'order' has another value, a dict for a Order" in copy.problem
    assert "must be allowed to revive that class" in copy.problem
    with DualStoreSaver.from_conn_string(redis_url, allowed_msgpack_modules=[Order]) as allowed:
        # The bytes were right; whoever may revive the class sees that.
        assert [copy.outcome for copy in copy_threads(source, allowed)] == ["unchanged"]


def test_a_value_that_is_written_in_any_order_is_the_same(saver):
    source = InMemorySaver()
    # Two sets of the same numbers, which are gone through in different orders.
    assert [*{0, 8}] != [*{8, 0}]
    put(source, 1, {"set": {0, 8}})
    assert [copy.outcome for copy in copy_threads(source, saver)] == ["copied"]
    put(source, 1, {"set": {8, 0}})
    assert [copy.outcome for copy in copy_threads(source, saver)] == ["unchanged"]


def test_a_value_that_the_target_cannot_serialize(redis_url, source):
    class Refusing:
        def dumps_typed(self, value):
            raise ValueError("refused")

        def loads_typed(self, data):
            raise ValueError("refused")

    with DualStoreSaver.from_conn_string(redis_url, serde=Refusing()) as target:
        copies = by_thread(copy_threads(source, target))
    assert {copy.problem for copy in copies.values()} == {
        "it cannot be copied: ValueError: refused"
    }


def test_a_target_that_is_away_ends_the_copying(source, own_server):
    with DualStoreSaver.from_conn_string(own_server.url) as target:
        copies = copy_threads(source, target, ["1"])
        own_server.kill()
        with pytest.raises(HotStoreUnavailable):
            next(copies)


def test_a_saver_is_not_copied_to_itself(saver, fresh):
    with pytest.raises(ConfigurationError, match="the saver that is to be copied to"):
        list(copy_threads(fresh, saver))


async def test_a_saver_with_async_methods_only_is_copied_by_the_async_twin(
    redis_url, postgres_dsn, tmp_path, saver
):
    async with opened("async-sqlite", redis_url, postgres_dsn, tmp_path) as source:
        await chat_graph(source).ainvoke(says("a"), thread("1"))
        with pytest.raises(ConfigurationError, match="use acopy_threads"):
            list(copy_threads(source, saver))
        assert [copy.outcome async for copy in acopy_threads(source, saver)] == ["copied"]


class Wrapped(BaseCheckpointSaver):
    """A saver that is of no known kind, and tells what the contract does."""

    def __init__(self, saver):
        super().__init__()
        self.saver = saver

    def list(self, config, **options):
        yield from self.saver.list(config, **options)


def test_a_saver_of_an_unknown_kind_is_asked_what_the_contract_has(source, saver):
    last = source.get_tuple(config_of("1")).config
    for task, path in (("b", "1"), ("a", "2"), ("c", "0")):
        source.put_writes(last, [("x", task), ("__error__", "no"), ("y", task)], task, path)
    assert set(find_thread_ids(Wrapped(source))) == {"1", "2", "3"}
    copies = by_thread(copy_threads(Wrapped(source), saver))
    assert {copy.outcome for copy in copies.values()} == {"copied"}
    # No path is known, but the order is.
    assert writes_at(saver, last) == writes_at(source, last)
    assert [write[0] for write in writes_at(saver, last)] == [*"cccbbbaaa"]
