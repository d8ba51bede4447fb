"""A put that fails says so and leaves what was there."""

import pytest
import redis
from raw_checkpoints import checkpoint_id, config_of, found_at, ids_in, put, values_at, writes_at

from langgraph_dualstore import DualStoreSaver


class Unserializable:
    pass


@pytest.mark.parametrize(
    "values",
    [
        {"a": [1, 2], "bad": Unserializable()},
        {"a": [1, Unserializable()]},
        {"a": Unserializable()},
        {"a": {"deep": [Unserializable()]}},
    ],
)
def test_a_put_that_cannot_be_serialized_leaves_the_earlier_state(saver, values):
    config = put(saver, 1, {"a": [1]})
    saver.put_writes(config, [("a", 2)], "task")
    with pytest.raises(TypeError):
        put(saver, 2, values, parent=config)
    assert found_at(saver, config_of()).checkpoint["id"] == checkpoint_id(1)
    assert values_at(saver, config_of()) == {"a": [1]}
    assert writes_at(saver, config) == [("task", "a", 2)]
    good = put(saver, 2, {"a": [1, 2]}, parent=config)
    assert values_at(saver, good) == {"a": [1, 2]}


async def test_an_async_put_that_cannot_be_serialized_leaves_the_earlier_state(saver):
    put(saver, 1, {"a": [1]})
    found = found_at(saver, config_of())
    bad = {**found.checkpoint, "id": checkpoint_id(2), "channel_values": {"a": Unserializable()}}
    with pytest.raises(TypeError):
        await saver.aput(found.config, bad, {}, {"a": 2})
    assert await saver.aget_tuple(config_of()) == found


def test_writes_that_cannot_be_serialized_leave_no_half_of_them(saver):
    config = put(saver, 1, {"a": [1]})
    with pytest.raises(TypeError):
        saver.put_writes(config, [("a", 1), ("b", Unserializable())], "task")
    assert writes_at(saver, config) == []
    saver.put_writes(config, [("a", 1), ("b", 2)], "task")
    assert writes_at(saver, config) == [("task", "a", 1), ("task", "b", 2)]


def test_a_put_that_the_server_refuses_raises_and_can_be_retried(start_server):
    """The server is out of memory: it refuses every write, and answers reads."""
    server = start_server("maxmemory-policy noeviction")
    with (
        redis.Redis.from_url(server.url) as client,
        DualStoreSaver.from_conn_string(server.url) as saver,
    ):
        config = put(saver, 1, {"a": ["one"]})
        saver.put_writes(config, [("a", "w")], "task")
        before = list(saver.list(config_of()))
        client.config_set("maxmemory", "1")
        with pytest.raises(Exception, match="memory"):
            put(saver, 2, {"a": ["one", "two"]}, parent=config)
        with pytest.raises(Exception, match="memory"):
            saver.put_writes(config, [("b", "w")], "task-2")
        assert list(saver.list(config_of())) == before
        client.config_set("maxmemory", "0")
        leaf = put(saver, 2, {"a": ["one", "two"]}, parent=config)
        saver.put_writes(config, [("b", "w")], "task-2")
        assert values_at(saver, leaf) == {"a": ["one", "two"]}
        assert writes_at(saver, config) == [("task", "a", "w"), ("task-2", "b", "w")]
        assert ids_in(saver.list(config_of())) == [checkpoint_id(2), checkpoint_id(1)]


def test_a_put_after_its_connection_was_cut_takes_another(start_server):
    server = start_server()
    with DualStoreSaver.from_conn_string(server.url) as saver:
        config = put(saver, 1, {"a": ["one"]})
        with redis.Redis.from_url(server.url) as client:
            client.client_kill_filter(_type="normal", skipme=True)
        leaf = put(saver, 2, {"a": ["one", "two"]}, parent=config)
        assert values_at(saver, leaf) == {"a": ["one", "two"]}


@pytest.mark.parametrize("strategy", ["delete", "keep_latest"])
def test_a_single_name_is_not_taken_for_a_list_of_names(saver, strategy):
    for thread_id in "abc":
        put(saver, 1, {"a": 1}, thread_id=thread_id, metadata={"run_id": thread_id})
    with pytest.raises(ValueError, match="sequence"):
        saver.prune("abc", strategy=strategy)
    with pytest.raises(ValueError, match="sequence"):
        saver.delete_for_runs("abc")
    assert len(list(saver.list(None))) == 3
