"""Runs from an earlier checkpoint: every branch keeps its own values."""

from graph_runner import outline, outline_history, thread
from graphs import chat_graph, says
from langgraph.checkpoint.memory import InMemorySaver

from langgraph_dualstore import DualStoreSaver


def texts(state):
    return [message.text for message in state.values["messages"]]


async def test_a_run_from_an_earlier_checkpoint_keeps_both_branches(saver, runner):
    async def run(on):
        graph, config = chat_graph(on), thread()
        await runner.invoke(graph, says("root"), config)
        fork = (await runner.state(graph, config)).config
        tips = []
        for branch in ("left", "right", "third"):
            await runner.invoke(graph, says(branch), fork)
            await runner.invoke(graph, says(f"{branch} again"), config)
            tips.append((await runner.state(graph, config)).config)
        return [texts(await runner.state(graph, tip)) for tip in tips], outline_history(
            await runner.history(graph, config)
        )

    branches, history = await run(saver)
    assert branches == [
        ["root", "1: root", name, f"2: {name}", f"{name} again", f"3: {name} again"]
        for name in ("left", "right", "third")
    ]
    assert (branches, history) == await run(InMemorySaver())


async def test_a_replay_of_a_checkpoint_forks_the_thread(saver, runner):
    async def run(on):
        graph, config = chat_graph(on), thread()
        for text in ("a", "b"):
            await runner.invoke(graph, says(text), config, durability="sync")
        before_answer = [
            state for state in await runner.history(graph, config) if state.next == ("answer",)
        ]
        replayed = await runner.invoke(graph, None, before_answer[-1].config)
        return (
            [message.text for message in replayed["messages"]],
            outline(await runner.state(graph, config)),
            outline_history(await runner.history(graph, config)),
        )

    ours = await run(saver)
    assert ours[0] == ["a", "1: a"]
    assert ours == await run(InMemorySaver())


async def test_an_update_of_an_earlier_checkpoint_makes_a_branch(saver, runner):
    async def run(on):
        graph, config = chat_graph(on), thread()
        await runner.invoke(graph, says("a"), config)
        early = (await runner.state(graph, config)).config
        await runner.invoke(graph, says("b"), config)
        main = (await runner.state(graph, config)).config
        branch = await runner.update(graph, early, {"turns": 100, **says("planted")})
        after = await runner.invoke(graph, says("c"), branch)
        states = [await runner.state(graph, at) for at in (early, main, branch)]
        return (
            [(texts(state), state.values["turns"]) for state in states],
            after["turns"],
            outline_history(await runner.history(graph, config)),
        )

    ours = await run(saver)
    assert ours[0] == [
        (["a", "1: a"], 1),
        (["a", "1: a", "b", "2: b"], 2),
        (["a", "1: a", "planted"], 100),
    ]
    assert ours[1] == 101
    assert ours == await run(InMemorySaver())


async def test_a_copy_update_repeats_a_checkpoint(saver, runner):
    async def run(on):
        graph, config = chat_graph(on), thread()
        await runner.invoke(graph, says("a"), config, durability="sync")
        before_answer = next(
            state for state in await runner.history(graph, config) if state.next == ("answer",)
        )
        copied = await runner.update(graph, before_answer.config, None, "__copy__")
        again = await runner.invoke(graph, None, copied)
        return again, outline_history(await runner.history(graph, config))

    again, history = await run(saver)
    assert [message.text for message in again["messages"]] == ["a", "1: a"]
    assert (again, history) == await run(InMemorySaver())


async def test_branches_written_by_two_processes_keep_their_own_values(redis_url, runner):
    """Each has its own idea of what is on the server."""
    with (
        DualStoreSaver.from_conn_string(redis_url) as one,
        DualStoreSaver.from_conn_string(redis_url) as other,
    ):
        first, second = chat_graph(one), chat_graph(other)
        await runner.invoke(first, says("root"), thread())
        fork = (await runner.state(first, thread())).config
        await runner.invoke(first, says("left"), fork)
        left = (await runner.state(first, thread())).config
        await runner.invoke(second, says("right"), fork)
        right = (await runner.state(second, thread())).config
        await runner.invoke(first, says("left leaf"), left)
        left_leaf = (await runner.state(first, thread())).config
        await runner.invoke(second, says("right leaf"), right)
        right_leaf = (await runner.state(second, thread())).config
        for graph in (first, second):
            assert texts(await runner.state(graph, left))[2:] == ["left", "2: left"]
            assert texts(await runner.state(graph, right))[2:] == ["right", "2: right"]
            assert texts(await runner.state(graph, left_leaf))[2::2] == ["left", "left leaf"]
            assert texts(await runner.state(graph, right_leaf))[2::2] == ["right", "right leaf"]


async def test_every_checkpoint_of_a_long_thread_shows_its_own_moment(saver, runner):
    graph, config = chat_graph(saver), thread()
    for turn in range(1, 13):
        await runner.invoke(graph, says(str(turn)), config)
    history = await runner.history(graph, config)
    finished = [state for state in history if not state.next]
    assert [state.values["turns"] for state in finished] == list(range(12, 0, -1))
    for state in finished:
        assert len(state.values["messages"]) == 2 * state.values["turns"]
        again = await runner.state(graph, state.config)
        assert again.values == state.values
