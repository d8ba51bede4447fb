"""Which checkpoint is meant: the latest, the same one again, the parent, none at all."""

from uuid import UUID

import pytest
from raw_checkpoints import (
    checkpoint_id,
    checkpoint_of,
    config_of,
    found_at,
    id_of,
    ids_in,
    put,
    values_at,
    writes_at,
)

from langgraph_dualstore import DualStoreSaver


@pytest.mark.parametrize("config", [config_of(), config_of(id=""), config_of(ns=None)])
async def test_no_id_or_an_empty_one_means_the_latest(saver, config):
    for n in (1, 2, 3):
        put(saver, n, {"a": n})
    assert found_at(saver, config).checkpoint["id"] == checkpoint_id(3)
    assert (await saver.aget_tuple(config)).checkpoint["id"] == checkpoint_id(3)
    assert found_at(saver, config).config == config_of(id=checkpoint_id(3))


def test_the_latest_is_the_greatest_id_not_the_last_written(saver):
    for n in (2, 9, 4):
        put(saver, n, {"a": n})
    assert found_at(saver, config_of()).checkpoint["id"] == checkpoint_id(9)
    put(saver, 9, {"a": "again"}, versions={"a": 10})
    put(saver, 5, {"a": 5})
    assert values_at(saver, config_of()) == {"a": "again"}


def test_the_latest_is_that_of_its_namespace(saver):
    put(saver, 1)
    put(saver, 5, ns="child:1")
    assert found_at(saver, config_of()).checkpoint["id"] == checkpoint_id(1)
    assert found_at(saver, config_of(ns="child:1")).checkpoint["id"] == checkpoint_id(5)
    assert saver.get_tuple(config_of(ns="child:2")) is None


def test_the_same_id_again_replaces_the_checkpoint(saver):
    root = put(saver, 1, {"a": ["root"]})
    config = put(
        saver, 2, {"a": ["old"], "gone": 1}, parent=root, metadata={"mood": "old", "gone": 1}
    )
    again = put(saver, 2, {"a": ["new"]}, versions={"a": 3}, metadata={"mood": "new"})
    assert again == config
    found = found_at(saver, config)
    assert found.checkpoint["channel_values"] == {"a": ["new"]}
    assert found.checkpoint["channel_versions"] == {"a": 3}
    assert found.metadata == {"source": "loop", "step": 2, "parents": {}, "mood": "new"}
    assert found.parent_config is None
    assert ids_in(saver.list(config_of())) == [checkpoint_id(2), checkpoint_id(1)]
    assert list(saver.list(config_of(), filter={"mood": "old"})) == []


def test_replacing_a_checkpoint_leaves_its_children_as_they_were(saver):
    parent = put(saver, 1, {"a": ["x"], "b": "kept"})
    versions = {"a": 1, "b": 1}
    child = put(saver, 2, {"a": ["x"], "b": "kept"}, parent=parent, versions=versions, new=[])
    put(saver, 1, {"a": ["replaced"], "b": "other"}, versions={"a": 7, "b": 7})
    assert values_at(saver, child) == {"a": ["x"], "b": "kept"}
    assert values_at(saver, parent) == {"a": ["replaced"], "b": "other"}


@pytest.mark.parametrize("given", [{"a": ["new"], "b": 2}, {"b": 2}], ids=["whole", "in part"])
def test_a_child_takes_what_another_process_replaced_its_parent_by(redis_url, saver, given):
    """The first saver still remembers the parent as it was, and has put others since."""
    parent = put(saver, 1, {"a": ["old"], "b": 1})
    put(saver, 5, {"a": ["x" * 300]})
    with DualStoreSaver.from_conn_string(redis_url) as another:
        put(another, 1, {"a": ["new"], "b": 1})
        child = put(saver, 2, given, parent=parent, versions={"a": 1, "b": 2}, new=["b"])
        for reader in (saver, another):
            assert values_at(reader, child) == {"a": ["new"], "b": 2}


def test_a_retried_put_is_harmless(saver):
    root = put(saver, 1, {"a": ["x"]})
    config = put(saver, 2, {"a": ["x", "y"]}, parent=root)
    saver.put_writes(config, [("a", ["z"])], "task")
    before = list(saver.list(config_of()))
    put(saver, 2, {"a": ["x", "y"]}, parent=root)
    put(saver, 2, {"a": ["x", "y"]}, parent=root)
    assert list(saver.list(config_of())) == before
    leaf = put(saver, 3, {"a": ["x", "y", "z"]}, parent=config)
    put(saver, 2, {"a": ["x", "y"]}, parent=root)
    assert values_at(saver, leaf) == {"a": ["x", "y", "z"]}
    assert writes_at(saver, config) == [("task", "a", ["z"])]


def test_a_put_returns_the_config_of_what_it_put(saver):
    given = config_of("t", "child:1", checkpoint_id(1), user_id="u", langgraph_step=3)
    returned = saver.put(given, checkpoint_of(checkpoint_id(2), {}, {}), {}, {})
    assert returned == config_of("t", "child:1", checkpoint_id(2))
    assert found_at(saver, returned).parent_config == config_of("t", "child:1", checkpoint_id(1))


@pytest.mark.parametrize("parent", [None, ""])
def test_a_checkpoint_without_a_parent_has_no_parent_config(saver, parent):
    config = config_of()
    config["configurable"]["checkpoint_id"] = parent
    returned = saver.put(config, checkpoint_of(checkpoint_id(1), {"a": 1}, {"a": 1}), {}, {"a": 1})
    assert found_at(saver, returned).parent_config is None


def test_a_parent_that_nobody_put_is_kept_as_the_parent(saver):
    missing = config_of(id=checkpoint_id(1))
    config = put(saver, 2, {"a": [1], "b": 2}, parent=missing, new=["a"])
    assert found_at(saver, config).parent_config == missing
    assert values_at(saver, config)["a"] == [1]


@pytest.mark.parametrize("thread_id", [7, -1, UUID("12345678123456781234567812345678")])
async def test_a_thread_id_that_is_a_number_or_uuid_is_coerced_everywhere(saver, thread_id):
    config = put(saver, 1, {"a": 1}, thread_id=thread_id)
    assert config["configurable"]["thread_id"] == str(thread_id)
    saver.put_writes(config_of(thread_id, id=id_of(config)), [("a", 1)], "task")
    for same in (thread_id, str(thread_id)):
        assert values_at(saver, config_of(same)) == {"a": 1}
        assert writes_at(saver, config_of(same)) == [("task", "a", 1)]
        assert len([item async for item in saver.alist(config_of(same))]) == 1
        history = saver.get_delta_channel_history(config=config_of(same), channels=["a"])
        assert history == {"a": {"writes": []}}
    await saver.acopy_thread(thread_id, "copy")
    assert values_at(saver, config_of("copy")) == {"a": 1}
    saver.prune([thread_id])
    assert values_at(saver, config_of(thread_id)) == {"a": 1}
    saver.delete_thread(thread_id)
    assert saver.get_tuple(config_of(str(thread_id))) is None


@pytest.mark.parametrize("thread_id", [None, b"thread", ["thread"], {"a": 1}, ("a",)])
async def test_any_other_thread_id_is_refused_by_every_method(saver, redis_client, thread_id):
    config = config_of(thread_id, id=checkpoint_id(1))
    checkpoint = checkpoint_of(checkpoint_id(1), {"a": 1}, {"a": 1})
    calls = [
        lambda: saver.get_tuple(config),
        lambda: list(saver.list(config)),
        lambda: saver.put(config, checkpoint, {}, {"a": 1}),
        lambda: saver.put_writes(config, [("a", 1)], "task"),
        lambda: saver.delete_thread(thread_id),
        lambda: saver.copy_thread(thread_id, "other"),
        lambda: saver.copy_thread("other", thread_id),
        lambda: saver.prune([thread_id]),
    ]
    for call in calls:
        with pytest.raises((TypeError, ValueError), match="thread"):
            call()
    with pytest.raises((TypeError, ValueError), match="thread"):
        await saver.aget_tuple(config)
    with pytest.raises((TypeError, ValueError), match="thread"):
        await saver.aput(config, checkpoint, {}, {"a": 1})
    with pytest.raises((TypeError, ValueError), match="thread"):
        await saver.aput_writes(config, [("a", 1)], "task")
    assert redis_client.keys("*") == []


async def test_a_config_without_a_thread_id_is_refused(saver):
    for call in (
        lambda: saver.get_tuple({"configurable": {}}),
        lambda: saver.put(
            {"configurable": {"checkpoint_ns": ""}}, checkpoint_of("1", {}, {}), {}, {}
        ),
    ):
        with pytest.raises((KeyError, TypeError, ValueError), match="thread_id"):
            call()
