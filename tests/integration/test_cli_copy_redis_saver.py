"""The command `copy` from the savers of `langgraph-checkpoint-redis`, as a process."""

import json
import textwrap
from functools import partial

import pytest
from cold_archives import query
from command_line import run
from copy_sources import opened_official
from ended_copies import COUNT, end_it_twice_and_go_on, fill
from graph_runner import thread
from graphs import chat_graph, says, tool_loop_graph
from interrupting_graphs import asks_twice
from langgraph.types import Command
from raw_checkpoints import config_of

from langgraph_dualstore import DualStoreSaver

pytestmark = pytest.mark.redis_saver

MODULE = """
    import os

    from langgraph.checkpoint.redis import RedisSaver
    from langgraph.checkpoint.redis.aio import AsyncRedisSaver

    URL = os.environ["SOURCE_URL"]


    def sync():
        return RedisSaver.from_conn_string(URL)


    def async_():
        return AsyncRedisSaver.from_conn_string(URL)
"""


@pytest.fixture
def copy(tmp_path, redis_stack_url, redis_url):
    """Runs the command on a module of somebody's, which names savers."""
    (tmp_path / "migration.py").write_text(textwrap.dedent(MODULE))
    environment = {
        "SOURCE_URL": redis_stack_url,
        "REDIS_URL": redis_url,
        "PYTHONPATH": str(tmp_path),
    }

    def copy(name, *arguments, begin=run, **more):
        return begin("copy", "--from", f"migration:{name}", *arguments, **environment, **more)

    return copy


@pytest.fixture
async def source(redis_stack_url):
    async with opened_official("redis", redis_stack_url) as source:
        yield source


@pytest.mark.parametrize("name", ["sync", "async_"])
def test_threads_are_copied_archived_and_go_on(name, copy, source, redis_url, archive_dsn):
    for text in ("one", "two"):
        chat_graph(source).invoke(says(text), thread("chat"))
        tool_loop_graph(source).invoke(says(text), thread("tools"))
    asks_twice(source).invoke({"lines": ["start"]}, thread("waits"))
    done = copy(name, "--archived-only", "--json", DATABASE_URL=archive_dsn)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    counts = {key: told[key] for key in ("copied", "checkpoints", "archived", "evicted", "failed")}
    # What the saver's index has, whatever it lists.
    total = source.checkpoints_index.info()["num_docs"]
    assert counts == {
        "copied": 3, "checkpoints": int(total), "archived": 3, "evicted": 3, "failed": 0,
    }  # fmt: skip
    status = run("status", "--json", REDIS_URL=redis_url, DATABASE_URL=archive_dsn)
    assert status.returncode == 0, status.stdout + status.stderr
    queue = json.loads(status.stdout)["queue"]
    # What waits for an answer is looked at again when it has been idle for long.
    assert (queue["queued"], queue["due"], queue["first"]) == (1, 0, "waits")
    found = query(archive_dsn, "SELECT thread_id, status FROM prompt_sessions ORDER BY thread_id")
    assert found == [("chat", "finished"), ("tools", "finished"), ("waits", "interrupted")]
    said = query(
        archive_dsn,
        "SELECT content FROM prompt_messages JOIN prompt_sessions ON session_id = prompt_sessions.id"
        " WHERE thread_id = 'chat' ORDER BY position",
    )
    assert said == [("one",), ("1: one",), ("two",), ("2: two",)]
    with DualStoreSaver.from_conn_string(redis_url, archive_dsn, run_archiver=False) as target:
        values = chat_graph(target).invoke(says("three"), thread("chat"))
        assert [message.text for message in values["messages"][::2]] == ["one", "two", "three"]
        asks_twice(target).invoke(Command(resume="Ann"), thread("waits"))
        values = asks_twice(target).invoke(Command(resume=41), thread("waits"))
        assert values["lines"] == ["start", "begin", "Ann is 41", "end"]
    again = copy(name, DATABASE_URL=archive_dsn)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("Copied 0 threads with 0 checkpoints; 1 there already; 2 left")


@pytest.mark.parametrize("name", ["sync", "async_"])
def test_a_copy_that_was_ended_goes_on_where_it_was(name, copy, source, redis_url, redis_client):
    fill(source)
    end_it_twice_and_go_on(partial(copy, name), redis_client)
    with DualStoreSaver.from_conn_string(redis_url) as target:
        for number in range(COUNT):
            found = list(target.list(config_of(str(number), None)))
            assert [item.checkpoint["channel_values"] for item in found] == [
                {"n": 3}, {"n": 2}, {"n": 1},
            ]  # fmt: skip
            assert all(item.pending_writes for item in found)
