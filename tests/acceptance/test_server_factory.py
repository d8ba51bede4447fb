"""The checkpointer of a LangGraph server, loaded as the server loads it.

`langgraph-api` brings gRPC and half of OpenTelemetry along, so most of this follows what it
does. Its own code is run with `-m langgraph_server`, where it is installed.
"""

import contextlib
import functools
import importlib
import importlib.util
import json
import logging
import os
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest
from graphs import chat_graph, says
from langgraph.checkpoint.base import BaseCheckpointSaver
from servers.process import free_port

from langgraph_dualstore import ConfigurationError, DualStoreSaver, server
from langgraph_dualstore.errors import ColdStoreError

THREAD = {"configurable": {"thread_id": "thread"}}
MODULE = "langgraph_dualstore.server.create_checkpointer"


def load(path):
    """`_load_checkpointer` of langgraph_api/_checkpointer/_adapter.py, 0.16.7."""
    if "/" in path or ".py:" in path:
        file, name = path.rsplit(":", 1)
        modname = file.replace("/", "__").replace(".py", "").replace(" ", "_").lstrip(".")
        spec = importlib.util.spec_from_file_location(modname, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module_name, name = path.rsplit(".", 1)
        module = importlib.import_module(module_name)
    return module.__dict__[name]


@asynccontextmanager
async def entered(value):
    """`_yield_checkpointer` of the same file."""
    if isinstance(value, BaseCheckpointSaver):
        yield value
    elif hasattr(value, "__aenter__"):
        async with value as saver:
            yield saver
    else:
        assert callable(value)
        async with entered(value()) as saver:
            yield saver


@pytest.fixture
def environment(redis_url, postgres_dsn, monkeypatch):
    """What a server has: its own servers' addresses."""
    for name in ("REDIS_URL", "DATABASE_URL", "POSTGRES_DSN", "POSTGRES_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URI", redis_url)
    monkeypatch.setenv("DATABASE_URI", postgres_dsn)


@pytest.fixture
def file(tmp_path):
    """Writes what a user's file has to `checkpointer.py` and returns the path for the server."""

    def file(text):
        written = tmp_path / "checkpointer.py"
        written.write_text(text)
        return f"{written}:create_checkpointer"

    return file


REEXPORT = "from langgraph_dualstore.server import create_checkpointer\n"
WITH_SETTINGS = """
from functools import partial
from langgraph_dualstore import server
create_checkpointer = partial(server.create_checkpointer, keep_last=2)
"""


@pytest.mark.parametrize("text", [None, REEXPORT, WITH_SETTINGS])
async def test_the_server_loads_it_and_runs_graphs_on_it(environment, file, text, postgres_dsn):
    async with entered(load(MODULE if text is None else file(text))) as saver:
        assert type(saver) is DualStoreSaver
        assert saver.settings.keep_last == (2 if text == WITH_SETTINGS else None)
        await chat_graph(saver).ainvoke(says("hello"), THREAD)
    with psycopg.connect(postgres_dsn) as connection:
        [found] = connection.execute("SELECT thread_id, message_count FROM prompt_sessions")
    assert found == ("thread", 2), "the tables were made, and leaving it archived what was due"


async def test_each_event_loop_enters_one_of_its_own(environment):
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(entered(load(MODULE))) for _ in range(2)]
        assert one is not two
        await chat_graph(one).ainvoke(says("hello"), THREAD)
        assert await two.aget_tuple(THREAD) is not None


async def test_leaving_it_closes_its_connections(environment, redis_client):
    before = len(redis_client.client_list())
    async with entered(load(MODULE)) as saver:
        await saver.aget_tuple(THREAD)
        assert len(redis_client.client_list()) > before
    assert len(redis_client.client_list()) == before


async def test_it_has_what_the_server_calls(environment):
    """`_REQUIRED` and `CheckpointerCapabilities` of the same file."""
    async with entered(load(MODULE)) as saver:
        for name in ("aput", "aput_writes", "aget_tuple", "alist"):
            assert getattr(type(saver), name) is not getattr(BaseCheckpointSaver, name)
        for name in ("adelete_thread", "adelete_for_runs", "acopy_thread", "aprune"):
            assert getattr(type(saver), name) is not getattr(BaseCheckpointSaver, name)


async def test_plain_redis_under_the_development_server(redis_url, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("REDIS_URI", "fake")
    monkeypatch.setenv("DATABASE_URI", ":memory:")
    async with entered(load(MODULE)) as saver:
        await chat_graph(saver).ainvoke(says("hello"), THREAD)


async def test_a_postgres_that_is_away_keeps_no_graph_from_running(
    environment, monkeypatch, caplog
):
    monkeypatch.setenv("DATABASE_URI", f"postgresql://u:s3cret@127.0.0.1:{free_port()}/db")
    make = functools.partial(server.create_checkpointer, archive_on="manual", restore=False)
    async with entered(make) as saver:
        await chat_graph(saver).ainvoke(says("hello"), THREAD)
    [record] = [one for one in caplog.records if one.name == "langgraph_dualstore.server"]
    assert record.levelno == logging.WARNING
    assert "threads wait in Redis" in record.getMessage()
    assert "s3cret" not in caplog.text


async def test_a_postgres_that_refuses_is_an_error(environment, monkeypatch, postgres_dsn):
    monkeypatch.setenv("DATABASE_URI", postgres_dsn.rsplit("/", 1)[0] + "/no_such_database")
    with pytest.raises(ColdStoreError, match="no_such_database"):
        async with entered(load(MODULE)):
            pass


@pytest.mark.parametrize("options", [{"ttl": -1}, {"no_such_setting": 1}])
async def test_a_wrong_setting_is_an_error(environment, options):
    with pytest.raises(ConfigurationError):
        async with server.create_checkpointer(**options):
            pass


LOADING = """
import asyncio
from langgraph_api import _checkpointer

async def main():
    await _checkpointer.start_checkpointer()
    saver = await _checkpointer.get_checkpointer()
    found = await saver.aget_tuple({"configurable": {"thread_id": "thread"}})
    print(type(saver._inner).__name__, found)
    await _checkpointer.exit_checkpointer()

asyncio.run(main())
"""


@pytest.mark.langgraph_server
@pytest.mark.parametrize("text", [None, REEXPORT, WITH_SETTINGS])
def test_langgraphs_own_loading(environment, file, text):
    path = MODULE if text is None else file(text)
    environ = {
        **os.environ,
        "LANGGRAPH_CHECKPOINTER": json.dumps({"path": path}),
        "LANGGRAPH_RUNTIME_EDITION": "inmem",
        "LANGSERVE_GRAPHS": "{}",
    }
    done = subprocess.run(
        [sys.executable, "-c", LOADING], env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.endswith("DualStoreSaver None\n"), done.stdout + done.stderr


@pytest.mark.langgraph_server
def test_langgraphs_own_configuration(tmp_path, file):
    """The command line rewrites paths for its containers; it must leave or find ours."""
    config = importlib.import_module("langgraph_cli.config")
    (tmp_path / "graph.py").write_text("graph = None\n")
    file(REEXPORT)
    for path in (MODULE, "./checkpointer.py:create_checkpointer"):
        written = tmp_path / "langgraph.json"
        document = {
            "dependencies": ["."],
            "graphs": {"chat": "./graph.py:graph"},
            "checkpointer": {"path": path},
        }
        written.write_text(json.dumps(document))
        with contextlib.chdir(tmp_path):
            checked = config.validate_config_file(written)
            dockerfile, _ = config.config_to_docker(written, checked)
        assert "LANGGRAPH_CHECKPOINTER" in dockerfile
        assert f"{path.removeprefix('./')}" in dockerfile
