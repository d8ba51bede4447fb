"""Channel versions: others' are continued, equal ones in two branches do not collide."""

import itertools

import pytest
from graph_runner import outline_history, thread
from graphs import chat_graph, says
from interrupting_graphs import asks_twice
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from raw_checkpoints import config_of, found_at, put, values_at
from thread_transfer import transfer


class IntVersions(InMemorySaver):
    def get_next_version(self, current, channel):
        return BaseCheckpointSaver.get_next_version(self, current, channel)


class FloatVersions(InMemorySaver):
    def get_next_version(self, current, channel):
        return 1.0 if current is None else current + 1.0


class HashedVersions(InMemorySaver):
    def get_next_version(self, current, channel):
        number = int(current.split(".")[0]) if current else 0
        return f"{number + 1:032}.d41d8cd98f00b204e9800998ecf8427e"


OTHERS = [IntVersions, FloatVersions, InMemorySaver, HashedVersions]


@pytest.mark.parametrize(
    "current",
    [None, 1, 41, 2.0, f"{7:032}.0.1234567890123456", f"{7:032}.d41d8cd98f00b204e9800998ecf8427e"],
)
def test_the_next_version_is_greater_than_the_one_before(saver, current):
    versions = [] if current is None else [current]
    for _ in range(20):
        versions.append(saver.get_next_version(versions[-1] if versions else None, None))
    assert all(earlier < later for earlier, later in itertools.pairwise(versions))
    assert len({type(version) is str for version in versions}) == 1


def test_the_next_version_passes_the_borders_of_its_digits(saver):
    for current in (9, 99, f"{9:032}.0.5", f"{99999:032}.0.5"):
        assert saver.get_next_version(current, None) > current


@pytest.mark.parametrize("other", OTHERS)
async def test_a_thread_of_another_saver_is_continued_by_a_graph(saver, runner, other):
    async def converse(begin, go_on, move=lambda: None):
        for text in ("a", "b"):
            await runner.invoke(chat_graph(begin), says(text), thread())
        move()
        graph = chat_graph(go_on)
        for text in ("c", "d"):
            result = await runner.invoke(graph, says(text), thread())
        return result, outline_history(await runner.history(graph, thread()))

    before = other()
    result, history = await converse(before, saver, lambda: transfer(before, saver, "thread"))
    assert [message.text for message in result["messages"][::2]] == list("abcd")
    reference = InMemorySaver()
    assert (result, history) == await converse(reference, reference)


@pytest.mark.parametrize("other", OTHERS)
async def test_an_interrupted_thread_of_another_saver_is_resumed(saver, runner, other):
    before = other()
    await runner.invoke(asks_twice(before), {"lines": ["start"]}, thread())
    await runner.invoke(asks_twice(before), Command(resume="Ann"), thread())
    transfer(before, saver, "thread")
    graph = asks_twice(saver)
    assert (await runner.state(graph, thread())).next == ("ask",)
    result = await runner.invoke(graph, Command(resume=41), thread())
    assert result["lines"] == ["start", "begin", "Ann is 41", "end"]


@pytest.mark.parametrize("other", OTHERS)
async def test_branches_of_a_continued_thread_keep_their_own_values(saver, runner, other):
    before = other()
    await runner.invoke(chat_graph(before), says("root"), thread())
    transfer(before, saver, "thread")
    graph = chat_graph(saver)
    fork = (await runner.state(graph, thread())).config
    tips = []
    for branch in ("left", "right"):
        await runner.invoke(graph, says(branch), fork)
        tips.append((await runner.state(graph, thread())).config)
    branches = [(await runner.state(graph, tip)).values["messages"] for tip in tips]
    assert [[message.text for message in branch] for branch in branches] == [
        ["root", "1: root", "left", "2: left"],
        ["root", "1: root", "right", "2: right"],
    ]


@pytest.mark.parametrize("version", [2, 2.0, f"{2:032}.0.5", "2"])
@pytest.mark.parametrize("values", [("left", "right"), (["m", "left"], ["m", "right"]), ({}, [])])
def test_forks_with_equal_versions_keep_their_own_values(saver, version, values):
    first = type(version)(1) if not isinstance(version, str) else version.replace("2", "1")
    root = put(saver, 1, {"a": ["m"], "b": "kept"}, versions={"a": first, "b": first})
    forks = [
        put(
            saver,
            2 + n,
            {"a": value, "b": "kept"},
            parent=root,
            versions={"a": version, "b": first},
            new=["a"],
        )
        for n, value in enumerate(values)
    ]
    leaves = [
        put(
            saver,
            10 + n,
            {"a": value, "b": f"leaf {n}"},
            parent=fork,
            versions={"a": version, "b": version},
            new=["b"],
        )
        for n, (fork, value) in enumerate(zip(forks, values, strict=True))
    ]
    assert [values_at(saver, fork) for fork in forks] == [
        {"a": value, "b": "kept"} for value in values
    ]
    assert [values_at(saver, leaf) for leaf in leaves] == [
        {"a": value, "b": f"leaf {n}"} for n, value in enumerate(values)
    ]
    assert values_at(saver, root) == {"a": ["m"], "b": "kept"}
    assert {
        item.checkpoint["id"]: item.checkpoint["channel_values"]["a"]
        for item in saver.list(config_of())
    } == {
        item["configurable"]["checkpoint_id"]: value
        for item, value in zip([root, *forks, *leaves], [["m"], *values, *values], strict=True)
    }


def test_a_copy_beside_its_original_keeps_the_values(saver):
    """`update_state(…, as_node="__copy__")` puts under the grandparent and names nothing new."""
    root = put(saver, 1, {"a": ["old"], "b": 1}, versions={"a": 1, "b": 1})
    child = put(saver, 2, {"a": ["old", "new"], "b": 1}, parent=root, versions={"a": 2, "b": 1})
    values = values_at(saver, child)
    copy = put(saver, 3, values, parent=root, versions={"a": 2, "b": 1}, new=[])
    orphan = put(saver, 4, values, versions={"a": 2, "b": 1}, new=[])
    assert values_at(saver, copy) == values
    assert values_at(saver, orphan) == values


def test_versions_come_back_as_they_were_put(saver):
    versions = {"i": 3, "s": f"{3:032}.0.123", "f": 1.5}
    config = put(saver, 1, {"i": 1, "s": 2, "f": 3}, versions=versions)
    found = found_at(saver, config).checkpoint["channel_versions"]
    assert found == versions
    assert {name: type(version) for name, version in found.items()} == {
        "i": int,
        "s": str,
        "f": float,
    }
