"""Threads of the savers of `langgraph-checkpoint-redis` are copied whole, and go on.

What there is to be copied is told by the same conversation on an `InMemorySaver`, since their
own `list` does not tell it.
"""

import pytest
from copy_sources import SCENARIOS, opened_official, play
from graph_runner import Runner, outline_history, outline_stored, thread
from langgraph.checkpoint.memory import InMemorySaver
from raw_checkpoints import config_of

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.copying import acopy_threads, copy_threads

pytestmark = pytest.mark.redis_saver

IN_SHALLOW = ("tools", "interrupt", "interrupts", "subgraph")
"""What goes on from the newest checkpoint alone."""


def methods(kind):
    return "async" if kind.startswith("async") else "sync"


async def copied(source, target):
    if type(source).__name__.startswith("Async"):
        return [copy async for copy in acopy_threads(source, target)]
    return list(copy_threads(source, target))


async def got(source, config):
    if type(source).__name__.startswith("Async"):
        return await source.aget_tuple(config)
    return source.get_tuple(config)


def all_of(saver):
    return list(saver.list(config_of("thread", None)))


async def begun(source, scenario, runner):
    """Plays what comes before the copy, on a saver and in memory; returns the graph in memory."""
    memory = InMemorySaver()
    expected = scenario.graph(memory, runner)
    await play(runner, expected, scenario.before)
    # What that gives may differ: it rebuilds a delta channel in an order of its own.
    await play(runner, scenario.graph(source, runner), scenario.before)
    return memory, expected


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("kind", ["redis", "async-redis"])
async def test_a_copied_thread_is_the_same_and_goes_on(kind, name, redis_stack_url, saver):
    scenario, runner = SCENARIOS[name], Runner(methods(kind), "sync")
    async with opened_official(kind, redis_stack_url) as source:
        memory, expected = await begun(source, scenario, runner)
        (copy,) = await copied(source, saver)
        found = all_of(saver)
        assert (copy.outcome, copy.problem, copy.checkpoints) == ("copied", None, len(found))
        assert copy.writes == sum(len(item.pending_writes) for item in found)
        assert outline_stored(found) == outline_stored(all_of(memory))
        fields = {name for item in all_of(memory) for name in item.checkpoint}
        for item in found:
            assert fields == set(item.checkpoint)
            theirs = await got(source, item.config)
            assert theirs.checkpoint == {**item.checkpoint, "type": "json", "pending_sends": []}
            assert (theirs.metadata, theirs.parent_config) == (item.metadata, item.parent_config)
        assert [each.outcome for each in await copied(source, saver)] == ["unchanged"]
    mine = scenario.graph(saver, runner)
    assert await play(runner, mine, scenario.after) == await play(runner, expected, scenario.after)
    history = outline_history(await runner.history(expected, thread()))
    assert outline_history(await runner.history(mine, thread())) == history


@pytest.mark.parametrize("name", IN_SHALLOW)
@pytest.mark.parametrize("kind", ["shallow", "async-shallow"])
async def test_a_shallow_saver_has_the_newest_checkpoints(kind, name, redis_stack_url, saver):
    scenario, runner = SCENARIOS[name], Runner(methods(kind), "sync")
    async with opened_official(kind, redis_stack_url) as source:
        memory, expected = await begun(source, scenario, runner)
        (copy,) = await copied(source, saver)
        newest = {}
        for item in outline_stored(all_of(memory)):
            newest.setdefault(item["ns"], {**item, "parent": None})
        assert (copy.outcome, copy.problem, copy.checkpoints) == ("copied", None, len(newest))
        assert outline_stored(all_of(saver)) == list(newest.values())
        assert [each.outcome for each in await copied(source, saver)] == ["unchanged"]
    mine = scenario.graph(saver, runner)
    assert await play(runner, mine, scenario.after) == await play(runner, expected, scenario.after)


@pytest.mark.parametrize("kind", ["redis", "async-redis"])
async def test_a_source_that_has_gone_on_is_copied_again(kind, redis_stack_url, saver):
    scenario, runner = SCENARIOS["tools"], Runner(methods(kind), "async")
    async with opened_official(kind, redis_stack_url) as source:
        graph = scenario.graph(source, runner)
        for part in (*scenario.before, *scenario.after):
            results = await play(runner, graph, (part,))
            assert [copy.outcome for copy in await copied(source, saver)] == ["copied"]
            state = await runner.state(scenario.graph(saver, runner), thread())
            assert [state.values] == results
        mine = scenario.graph(saver, runner)
        await play(runner, mine, scenario.after)
        assert [copy.outcome for copy in await copied(source, saver)] == ["ahead"]


@pytest.mark.parametrize("kind", ["redis", "async-redis"])
async def test_a_copied_thread_is_archived_and_comes_back(
    kind, redis_stack_url, redis_url, archive_dsn
):
    scenario, runner = SCENARIOS["interrupt"], Runner(methods(kind), "sync")
    with DualStoreSaver.from_conn_string(redis_url, archive_dsn, run_archiver=False) as target:
        async with opened_official(kind, redis_stack_url) as source:
            _, expected = await begun(source, scenario, runner)
            (copy,) = await copied(source, target)
            assert (copy.outcome, copy.archived) == ("copied", True)
        assert [info.status for info in target.list_threads().threads] == ["interrupted"]
        assert target.evict_thread("thread")
        mine = scenario.graph(target, runner)
        results = await play(runner, mine, scenario.after)
        assert results == await play(runner, expected, scenario.after)
