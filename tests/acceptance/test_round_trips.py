"""What a step costs: one command for each put, put_writes and get_tuple; one for a list."""

from __future__ import annotations

import pytest
from graphs import chat_graph, says
from raw_checkpoints import config_of


def scripts_run(client) -> int:
    """Nothing else is sent for a turn; what a script calls is counted under other names."""
    stats = client.info("commandstats")
    return sum(
        entry["calls"]
        for name, entry in stats.items()
        if name.removeprefix("cmdstat_") in ("evalsha", "eval")
    )


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_a_chat_turn_is_six_commands_early_and_late(saver, redis_client, asynchronous):
    graph = chat_graph(saver)
    config = config_of(ns=None)
    costs = []
    for n in range(40):
        before = scripts_run(redis_client)
        if asynchronous:
            await graph.ainvoke(says(f"turn {n}"), config)
        else:
            graph.invoke(says(f"turn {n}"), config)
        costs.append(scripts_run(redis_client) - before)
    assert set(costs[3:]) == {6}  # the first ones teach the server the scripts


def test_a_saver_that_comes_to_a_thread_needs_no_more(saver, redis_url, redis_client):
    graph = chat_graph(saver)
    config = config_of(ns=None)
    for n in range(3):
        graph.invoke(says(f"turn {n}"), config)
    with type(saver).from_conn_string(redis_url) as another:
        fresh = chat_graph(another)
        before = scripts_run(redis_client)
        fresh.invoke(says("one more"), config)
        assert scripts_run(redis_client) - before == 6


@pytest.mark.parametrize("limit", [1, 5, 6, 20, 249])
def test_a_list_within_its_limit_is_one_command(saver, redis_client, limit):
    graph = chat_graph(saver)
    config = config_of()
    for n in range(2):
        graph.invoke(says(f"turn {n}"), config)
    list(saver.list(config, limit=limit))
    before = scripts_run(redis_client)
    assert len(list(saver.list(config, limit=limit))) == min(limit, 6)
    assert scripts_run(redis_client) - before == 1
