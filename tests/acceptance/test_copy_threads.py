"""Threads of other savers are copied whole, and go on as they would have gone on there."""

import pytest
from copy_sources import ASYNC, SCENARIOS, SYNC, opened, play
from graph_runner import Runner, outline_history, thread
from raw_checkpoints import config_of
from tuple_comparison import assert_same

from langgraph_dualstore.copying import Copy, acopy_threads, copy_threads

CASES = [
    (kind, name)
    for kind in (*SYNC, *ASYNC)
    for name in SCENARIOS
    # The plain-Redis saver rebuilds a delta channel in an order of its own. Async twins
    # differ in how they are read, not in what they hold.
    if not (kind.endswith("plainredis") and name.startswith("delta"))
    and not (kind in ASYNC and name not in {"tools", "interrupt", "delta"})
]


def is_async(saver):
    return type(saver).__name__.startswith("Async")


async def listed(saver):
    config = config_of("thread", None)
    if is_async(saver):
        return [item async for item in saver.alist(config)]
    return list(saver.list(config))


async def copied(source, target, *args, **options):
    if is_async(source):
        return [copy async for copy in acopy_threads(source, target, *args, **options)]
    return list(copy_threads(source, target, *args, **options))


def by_place(found):
    return sorted(
        found,
        key=lambda item: (item.config["configurable"]["checkpoint_ns"], item.checkpoint["id"]),
    )


@pytest.mark.parametrize(("kind", "name"), CASES)
async def test_a_copied_thread_is_the_same_and_goes_on_in_the_same_way(
    kind, name, redis_url, postgres_dsn, tmp_path, saver
):
    scenario = SCENARIOS[name]
    runner = Runner("async" if kind in ASYNC else "sync", "sync")
    async with opened(kind, redis_url, postgres_dsn, tmp_path) as source:
        graph = scenario.graph(source, runner)
        await play(runner, graph, scenario.before)
        found = by_place(await listed(source))
        writes = sum(len(item.pending_writes) for item in found)
        copy = Copy(thread_id="thread", outcome="copied", checkpoints=len(found), writes=writes)
        assert await copied(source, saver) == [copy]
        assert_same(by_place(saver.list(config_of("thread", None))), found)

        mine = scenario.graph(saver, runner)
        results = await play(runner, graph, scenario.after)
        assert await play(runner, mine, scenario.after) == results
        history = outline_history(await runner.history(graph, thread()))
        assert outline_history(await runner.history(mine, thread())) == history
