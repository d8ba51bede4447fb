"""What `list` shows and in which order."""

import pytest
from raw_checkpoints import checkpoint_id, config_of, found_at, ids_in, put


async def listed(saver, config, **kwargs):
    """The ids, asked for both ways; the ways must agree."""
    found = list(saver.list(config, **kwargs))
    also = [item async for item in saver.alist(config, **kwargs)]
    assert found == also
    return ids_in(found)


def ids(*numbers):
    return [checkpoint_id(n) for n in numbers]


def put_chain(saver, numbers, **kwargs):
    parent = None
    for n in numbers:
        parent = put(saver, n, {"a": [n]}, parent=parent, **kwargs)
    return parent


async def test_the_newest_id_comes_first_whatever_was_written_last(saver):
    for n in (3, 1, 5, 2, 4):
        put(saver, n)
    assert await listed(saver, config_of()) == ids(5, 4, 3, 2, 1)


async def test_before_an_id_that_is_not_in_that_namespace(saver):
    """The engine asks a subgraph's namespace for what is before the parent's checkpoint."""
    put_chain(saver, (1, 4, 8))
    put_chain(saver, (2, 3, 6), ns="child:1")
    assert await listed(saver, config_of(ns="child:1"), before=config_of(id=checkpoint_id(4))) == (
        ids(3, 2)
    )
    assert await listed(saver, config_of(), before=config_of(id=checkpoint_id(3))) == ids(1)
    assert await listed(saver, config_of(), before=config_of(id=checkpoint_id(9))) == ids(8, 4, 1)
    assert await listed(saver, config_of(), before=config_of(id=checkpoint_id(0))) == []


async def test_before_an_id_that_is_there_leaves_it_out(saver):
    put_chain(saver, (1, 2, 3))
    assert await listed(saver, config_of(), before=config_of(id=checkpoint_id(3))) == ids(2, 1)
    assert await listed(saver, config_of(), before=config_of(id=checkpoint_id(1))) == []


@pytest.mark.parametrize("before", [config_of(), config_of(id=""), config_of(id=None)])
async def test_before_a_config_without_an_id_leaves_nothing_out(saver, before):
    put_chain(saver, (1, 2))
    assert await listed(saver, config_of(), before=before) == ids(2, 1)


async def test_before_and_limit_and_filter_together(saver):
    for n in range(1, 11):
        put(saver, n, metadata={"even": n % 2 == 0})
    assert await listed(
        saver,
        config_of(),
        before=config_of(id=checkpoint_id(9)),
        filter={"even": True},
        limit=2,
    ) == ids(8, 6)


async def test_the_limit_counts_what_is_shown(saver):
    put_chain(saver, range(1, 6))
    assert await listed(saver, config_of(), limit=0) == []
    assert await listed(saver, config_of(), limit=2) == ids(5, 4)
    assert await listed(saver, config_of(), limit=100) == ids(5, 4, 3, 2, 1)
    assert await listed(saver, config_of(), limit=None) == ids(5, 4, 3, 2, 1)
    assert await listed(saver, None, limit=0) == []


async def test_no_config_spans_threads(saver):
    for thread_id in ("one", "two", "three"):
        put(saver, 1, thread_id=thread_id, metadata={"colour": "red"})
        put(saver, 2, thread_id=thread_id, metadata={"colour": "blue"})
    found = list(saver.list(None, filter={"colour": "red"}))
    assert {item.config["configurable"]["thread_id"] for item in found} == {"one", "two", "three"}
    assert ids_in(found) == ids(1, 1, 1)
    assert len(await listed(saver, None)) == 6
    assert len(await listed(saver, None, limit=4)) == 4
    assert len(await listed(saver, None, filter={"colour": "red"}, limit=2)) == 2
    before = config_of("one", id=checkpoint_id(2))
    assert await listed(saver, None, before=before) == ids(1, 1, 1)


async def test_no_config_spans_namespaces_and_forgets_what_was_deleted(saver):
    put(saver, 1, thread_id="one")
    put(saver, 2, thread_id="one", ns="child:1")
    put(saver, 3, thread_id="two")
    saver.delete_thread("two")
    found = list(saver.list(None))
    assert {
        (item.config["configurable"]["checkpoint_ns"], item.checkpoint["id"]) for item in found
    } == {("child:1", checkpoint_id(2)), ("", checkpoint_id(1))}
    assert len(found) == 2


async def test_a_thread_without_a_namespace_spans_its_namespaces(saver):
    put(saver, 1)
    put(saver, 2, ns="child:1")
    put(saver, 3, ns="child:1|grandchild:2")
    put(saver, 4)
    put(saver, 5, thread_id="another")
    found = list(saver.list(config_of(ns=None)))
    assert {
        (item.config["configurable"]["checkpoint_ns"], item.checkpoint["id"]) for item in found
    } == {
        ("", checkpoint_id(1)),
        ("child:1", checkpoint_id(2)),
        ("child:1|grandchild:2", checkpoint_id(3)),
        ("", checkpoint_id(4)),
    }
    assert await listed(saver, config_of(ns="")) == ids(4, 1)
    assert await listed(saver, config_of(ns="child:1")) == ids(2)
    assert await listed(saver, config_of(ns="child")) == []


async def test_an_id_in_the_config_shows_that_checkpoint_only(saver):
    put_chain(saver, (1, 2, 3))
    assert await listed(saver, config_of(id=checkpoint_id(2))) == ids(2)
    assert await listed(saver, config_of(id=checkpoint_id(7))) == []
    assert await listed(saver, config_of(id="")) == ids(3, 2, 1)


async def test_a_listed_checkpoint_is_what_get_tuple_gives(saver):
    parent = None
    for n in range(1, 6):
        config = put(
            saver, n, {"a": list(range(n)), "b": n}, parent=parent, metadata={"custom": {"n": n}}
        )
        saver.put_writes(config, [("a", n), ("__interrupt__", [n])], f"task-{n}", "path")
        parent = config
    put(saver, 9, {"a": ["child"]}, ns="child:1")
    for item in saver.list(config_of(ns=None)):
        assert found_at(saver, item.config) == item
        assert await saver.aget_tuple(item.config) == item


async def test_a_thread_that_is_not_there_is_empty(saver):
    assert await listed(saver, config_of("unknown")) == []
    assert await listed(saver, config_of("unknown", ns=None)) == []
    assert await listed(saver, None) == []
    for config in (config_of("unknown"), config_of("unknown", id=checkpoint_id(1))):
        assert saver.get_tuple(config) is None
        assert await saver.aget_tuple(config) is None
        assert saver.get(config) is None
        assert await saver.aget(config) is None


async def test_a_list_may_be_left_half_read(saver):
    put_chain(saver, range(1, 30))
    first = next(iter(saver.list(config_of())))
    assert first.checkpoint["id"] == checkpoint_id(29)
    async for item in saver.alist(config_of()):
        assert item.checkpoint["id"] == checkpoint_id(29)
        break
    assert len(list(saver.list(config_of()))) == 29


def test_the_saver_may_be_used_while_a_list_is_read(saver):
    put_chain(saver, range(1, 6))
    seen = []
    for item in saver.list(config_of()):
        seen.append(item.checkpoint["id"])
        saver.put_writes(item.config, [("a", 1)], "task")
        assert saver.get_tuple(item.config) is not None
    assert seen == ids(5, 4, 3, 2, 1)
