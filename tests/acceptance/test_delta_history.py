"""What a DeltaChannel is rebuilt from: a seed and the writes since, along one branch.

Each checkpoint holds the writes that led to its child. The seed is the value at
the nearest ancestor that has one; the target's own writes are still pending.
"""

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from raw_checkpoints import checkpoint_id, config_of, put

NOTHING = object()


def put_step(saver, n, parent, value=NOTHING, *, writes=True, touched=True, **kwargs):
    """One superstep of a graph with the delta channel `d`; `value` is stored in full."""
    version = n if touched else n - 1
    values = {"plain": [n], **({} if value is NOTHING else {"d": value})}
    config = put(
        saver,
        n,
        values,
        parent=parent,
        versions={"plain": n, "d": version},
        new=["plain", "d"] if touched else ["plain"],
        metadata={"counters_since_delta_snapshot": {"d": (n, n)}},
        **kwargs,
    )
    if writes:
        saver.put_writes(config, [("d", [n]), ("plain", n)], f"task-{n}")
    return config


def put_chain(saver, seeds, parent=None, start=1, count=6, **kwargs):
    """Steps `start`…, with the full value where `seeds` has one; all configs."""
    configs = []
    for n in range(start, start + count):
        parent = put_step(saver, n, parent, seeds.get(n, NOTHING), **kwargs)
        configs.append(parent)
    return configs


async def history_at(saver, config, channels=("d",)):
    """The history, asked for every way there is; the ways must agree."""
    history = saver.get_delta_channel_history(config=config, channels=channels)
    assert history == await saver.aget_delta_channel_history(config=config, channels=channels)
    assert history == BaseCheckpointSaver.get_delta_channel_history(
        saver, config=config, channels=channels
    )
    return history


def writes(*numbers):
    return [(f"task-{n}", "d", [n]) for n in numbers]


async def test_without_a_seed_every_write_since_the_root(saver):
    configs = put_chain(saver, {})
    assert await history_at(saver, configs[-1]) == {"d": {"writes": writes(1, 2, 3, 4, 5)}}
    assert await history_at(saver, configs[2]) == {"d": {"writes": writes(1, 2)}}
    assert await history_at(saver, configs[0]) == {"d": {"writes": []}}


async def test_a_snapshot_is_the_seed_and_its_own_writes_come_first(saver):
    configs = put_chain(saver, {1: _DeltaSnapshot(["old"]), 3: _DeltaSnapshot(["x", "y"])})
    assert await history_at(saver, configs[-1]) == {
        "d": {"writes": writes(3, 4, 5), "seed": _DeltaSnapshot(["x", "y"])}
    }
    history = await history_at(saver, configs[3])
    assert history == {"d": {"writes": writes(3), "seed": _DeltaSnapshot(["x", "y"])}}
    assert type(history["d"]["seed"]) is _DeltaSnapshot
    assert await history_at(saver, configs[2]) == {
        "d": {"writes": writes(1, 2), "seed": _DeltaSnapshot(["old"])}
    }


@pytest.mark.parametrize("seed", [["x"], True, False, None, 0, 1, "", b"", [], {}, {"a": None}])
async def test_a_plain_value_is_a_seed_whatever_it_is(saver, seed):
    """As in a thread from before the channel became a DeltaChannel."""
    configs = put_chain(saver, {2: seed})
    history = await history_at(saver, configs[-1])
    assert history == {"d": {"writes": writes(2, 3, 4, 5), "seed": seed}}
    assert type(history["d"]["seed"]) is type(seed)
    assert "seed" not in (await history_at(saver, configs[1]))["d"]


@pytest.mark.parametrize("value", [True, None, []])
async def test_a_snapshot_of_any_value_is_a_seed(saver, value):
    configs = put_chain(saver, {2: _DeltaSnapshot(value)})
    history = await history_at(saver, configs[-1])
    assert history == {"d": {"writes": writes(2, 3, 4, 5), "seed": _DeltaSnapshot(value)}}


async def test_only_the_ancestors_of_a_branch_count(saver):
    trunk = put_chain(saver, {2: _DeltaSnapshot(["trunk"])}, count=3)
    left = put_chain(saver, {12: _DeltaSnapshot(["left"])}, trunk[-1], start=11, count=3)
    right = put_chain(saver, {}, trunk[-1], start=21, count=3)
    early = put_chain(saver, {}, trunk[0], start=31, count=2)
    assert await history_at(saver, left[-1]) == {
        "d": {"writes": writes(12), "seed": _DeltaSnapshot(["left"])}
    }
    assert await history_at(saver, right[-1]) == {
        "d": {"writes": writes(2, 3, 21, 22), "seed": _DeltaSnapshot(["trunk"])}
    }
    assert await history_at(saver, early[-1]) == {"d": {"writes": writes(1, 31)}}
    assert await history_at(saver, config_of()) == await history_at(saver, early[-1])


async def test_a_step_that_did_not_touch_the_channel_still_has_its_value(saver):
    root = put_step(saver, 1, None)
    snapshot = put_step(saver, 2, root, _DeltaSnapshot(["x"]))
    quiet = put_step(saver, 3, snapshot, touched=False)
    leaf = put_step(saver, 4, quiet)
    assert await history_at(saver, quiet) == {
        "d": {"writes": writes(2), "seed": _DeltaSnapshot(["x"])}
    }
    assert await history_at(saver, leaf) == {
        "d": {"writes": writes(3), "seed": _DeltaSnapshot(["x"])}
    }


async def test_several_channels_each_end_at_their_own_seed(saver):
    parent = None
    for n in range(1, 6):
        values = {"a": ["seed a"]} if n == 4 else {"b": ["seed b"]} if n == 2 else {}
        parent = put(saver, n, values, parent=parent, versions=dict.fromkeys("abc", n))
        saver.put_writes(parent, [("c", n), ("a", n), ("b", n)], f"task-{n}")
    assert await history_at(saver, parent, ["a", "b", "c", "unknown"]) == {
        "a": {"writes": [("task-4", "a", 4)], "seed": ["seed a"]},
        "b": {"writes": [(f"task-{n}", "b", n) for n in (2, 3, 4)], "seed": ["seed b"]},
        "c": {"writes": [(f"task-{n}", "c", n) for n in (1, 2, 3, 4)]},
        "unknown": {"writes": []},
    }


async def test_no_channels_and_unknown_channels(saver):
    configs = put_chain(saver, {2: ["x"]})
    assert await history_at(saver, configs[-1], []) == {}
    assert await history_at(saver, configs[-1], ["unknown"]) == {"unknown": {"writes": []}}


@pytest.mark.parametrize("config", [config_of("unknown"), config_of(id=checkpoint_id(99))])
async def test_a_checkpoint_that_is_not_there_has_no_history(saver, config):
    put_chain(saver, {2: ["x"]})
    assert await history_at(saver, config) == {"d": {"writes": []}}


async def test_the_latest_checkpoint_is_meant_without_an_id(saver):
    configs = put_chain(saver, {2: ["x"]})
    expected = await history_at(saver, configs[-1])
    for config in (config_of(), config_of(id=""), config_of(ns=None)):
        assert await history_at(saver, config) == expected


async def test_writes_of_one_step_are_ordered_by_path_task_and_index(saver):
    root = put(saver, 1, {}, versions={"d": 1})
    for task_id, path in (("z", "path-1"), ("a", "path-2"), ("m", ""), ("b", "path-1")):
        saver.put_writes(
            root, [("d", f"{task_id}0"), ("x", 0), ("d", f"{task_id}2")], task_id, path
        )
    leaf = put(saver, 2, {}, parent=root, versions={"d": 2})
    values = [value for _, _, value in (await history_at(saver, leaf))["d"]["writes"]]
    assert values == ["m0", "m2", "b0", "b2", "z0", "z2", "a0", "a2"]


async def test_namespaces_and_threads_have_histories_of_their_own(saver):
    put_chain(saver, {2: ["root"]})
    child = put_chain(saver, {3: ["child"]}, ns="child:1", count=4)
    other = put_chain(saver, {1: ["other"]}, thread_id="other", count=2)
    assert await history_at(saver, child[-1]) == {"d": {"writes": writes(3), "seed": ["child"]}}
    assert await history_at(saver, other[-1]) == {"d": {"writes": writes(1), "seed": ["other"]}}


async def test_a_chain_that_is_cut_ends_where_it_is_cut(saver):
    missing = config_of(id=checkpoint_id(1))
    configs = put_chain(saver, {}, missing, start=2, count=4)
    assert await history_at(saver, configs[-1]) == {"d": {"writes": writes(2, 3, 4)}}


async def test_a_long_chain_is_walked_to_its_end(saver):
    configs = put_chain(saver, {1: _DeltaSnapshot([0])}, count=150)
    history = await history_at(saver, configs[-1])
    assert history == {"d": {"writes": writes(*range(1, 150)), "seed": _DeltaSnapshot([0])}}


@pytest.mark.parametrize("seeds", [{}, {1: ["x"]}, {3: _DeltaSnapshot(["x"]), 5: True}])
async def test_the_history_is_that_of_the_in_memory_saver(saver, seeds):
    reference = InMemorySaver()
    for on in (saver, reference):
        trunk = put_chain(on, seeds)
        configs = trunk + put_chain(on, {}, trunk[3], start=11, count=4)
        configs += put_chain(on, {22: None}, trunk[1], start=21, count=3, writes=False)
    for config in (*configs, config_of()):
        assert await history_at(saver, config, ["d", "plain"]) == (
            reference.get_delta_channel_history(config=config, channels=["d", "plain"])
        )


async def test_a_copy_has_the_same_histories_and_keeps_them(saver):
    trunk = put_chain(saver, {2: _DeltaSnapshot(["x"])})
    branch = put_chain(saver, {}, trunk[2], start=11, count=3)
    expected = [await history_at(saver, config) for config in trunk + branch]
    await saver.acopy_thread("thread", "copy")
    copies = [
        config_of("copy", id=config["configurable"]["checkpoint_id"]) for config in trunk + branch
    ]
    assert [await history_at(saver, config) for config in copies] == expected
    saver.delete_thread("thread")
    assert [await history_at(saver, config) for config in copies] == expected
