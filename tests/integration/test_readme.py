"""What README.md shows works, and what it says of settings, keys and commands is so."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import logging
import re
import shlex
import signal
import subprocess
import sys
import types
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
import redis
import redis.asyncio
from cold_archives import query
from command_line import run as run_command
from eventually import eventually
from graphs import answer, says
from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from memory_archive import MemoryArchive
from servers import kinds, postgres_kinds, sentinel
from typer.testing import CliRunner

import langgraph_dualstore
from langgraph_dualstore import DualStoreSaver, Settings
from langgraph_dualstore.cli import app
from langgraph_dualstore.hot.keys import thread_keys
from langgraph_dualstore.metrics import SaverCollector

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]

DOCS = sorted((ROOT / "docs").glob("*.md"))

SNIPPETS = (
    "from langgraph_dualstore import DualStoreSaver",
    "async with",
    "from_env()",
    "from langgraph_dualstore.server import",
    "partial(server.",
    "create_conversation_store()",
    "list_threads(",
    "PostgresArchive(",
    "backlog()",
    "signal.sigwait(",
    "def redact",
    "rediss://",
    "redis.asyncio.Redis(",
    "redis.RedisCluster(",
    "Sentinel(",
    "DualStoreSaver.embedded(",
    "default_ttl",
    "saver.extend_ttl(",
    "keep_last=1",
    "class Order",
    "saver.stats()",
    "REGISTRY.register(",
)
"""What each snippet of Python is known by; each has a test below."""

LOCAL = "redis://localhost:6379"
POSTGRES = "postgresql://localhost"
THREAD = {"configurable": {"thread_id": "1"}}


class Chat(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    turns: int
    order: Any


def chat_builder() -> StateGraph:
    builder = StateGraph(Chat)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    return builder


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for shown, real in pairs:
        assert shown in text
        text = text.replace(shown, real)
    return text


def snippet(name: str, *pairs: tuple[str, str]) -> str:
    (text,) = [text for text in PYTHON if name in text]
    return replaced(text, *pairs)


@pytest.fixture
def run(monkeypatch):
    """Runs a snippet, which finds a graph's builder and its input, and returns its names."""

    async def run_snippet(text: str, **given: Any) -> dict[str, Any]:
        module = types.ModuleType("readme")
        monkeypatch.setitem(sys.modules, "readme", module)
        names = vars(module)
        names |= {"DualStoreSaver": DualStoreSaver, "builder": chat_builder()}
        names |= {"inputs": says("hello"), **given}
        result = eval(compile(text, "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.iscoroutine(result):
            await result
        return names

    return run_snippet


def chatted(saver: DualStoreSaver) -> bool:
    """Whether the thread that the snippets name has one turn."""
    found = saver.get_tuple(THREAD)
    texts = [message.text for message in found.checkpoint["channel_values"]["messages"]]
    return texts == ["hello", "1: hello"]


def chat(saver: DualStoreSaver) -> bool:
    chat_builder().compile(checkpointer=saver).invoke(says("hello"), THREAD)
    return chatted(saver)


def test_every_snippet_of_python_is_known():
    known = [[name for name in SNIPPETS if name in text] for text in PYTHON]
    assert sorted(known) == sorted([name] for name in SNIPPETS)


async def test_the_first_lines(run, redis_url, postgres_dsn, saver):
    name = "from langgraph_dualstore import DualStoreSaver"
    await run(snippet(name, (LOCAL, redis_url), (POSTGRES, postgres_dsn)))
    assert chatted(saver)
    found = query(postgres_dsn, "SELECT thread_id, user_id, status FROM prompt_sessions")
    assert found == [("1", "ann", "finished")]
    contents = query(postgres_dsn, "SELECT content FROM prompt_messages ORDER BY position")
    assert contents == [("hello",), ("1: hello",)]


async def test_a_saver_from_the_environment(run, redis_url, postgres_dsn, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    names = await run(snippet("from_env()"))
    with names["DualStoreSaver"].from_env() as saver:
        assert chat(saver)
        assert saver.flush()
    assert query(postgres_dsn, "SELECT thread_id FROM prompt_sessions") == [("1",)]


@pytest.mark.parametrize("name", ["from langgraph_dualstore.server import", "partial(server."])
async def test_the_checkpointer_of_a_langgraph_server(run, redis_url, monkeypatch, name):
    monkeypatch.setenv("REDIS_URL", redis_url)
    for variable in ("DATABASE_URL", "POSTGRES_DSN", "POSTGRES_URI", "DATABASE_URI"):
        monkeypatch.delenv(variable, raising=False)
    names = await run(snippet(name))
    async with names["create_checkpointer"]() as saver:
        assert saver.settings.keep_last == (20 if "partial" in name else None)
        graph = chat_builder().compile(checkpointer=saver)
        await graph.ainvoke(says("hello"), THREAD)


async def test_sessions_without_a_graph(run, redis_url, redis_client, monkeypatch, capsys):
    monkeypatch.setenv("USE_REDIS_SESSION", "1")
    monkeypatch.setenv("REDIS_URL", redis_url)
    names = await run(snippet("create_conversation_store()"))
    assert names["state"]["active_agent"] == "billing"
    assert names["session_id"] in capsys.readouterr().out
    assert redis_client.keys() == []


async def test_listing_threads(run, saver, capsys):
    config = {"configurable": {"thread_id": "1", "user_id": "ann"}}
    chat_builder().compile(checkpointer=saver).invoke(says("hello"), config)
    await run(snippet("list_threads("), saver=saver)
    assert capsys.readouterr().out == "1 hot finished 1\n"


async def test_the_first_lines_async(run, redis_url, saver):
    await run(snippet("async with", (LOCAL, redis_url)))
    assert chatted(saver)


async def test_watching(run, saver, capsys):
    assert chat(saver)
    await run(snippet("saver.stats()"), saver=saver)
    assert capsys.readouterr().out.startswith("3 ")


async def test_metrics(run, saver):
    names = await run(snippet("REGISTRY.register("), saver=saver)
    registry = names["REGISTRY"]
    try:
        assert registry.get_sample_value("langgraph_dualstore_hot_up") == 1
    finally:
        for collector in [
            one for one in registry._collector_to_names if type(one) is names["SaverCollector"]
        ]:
            registry.unregister(collector)


async def test_an_archive_of_ones_own_making(run, redis_url, postgres_dsn):
    names = await run(
        snippet("PostgresArchive(", (LOCAL, redis_url), (POSTGRES, postgres_dsn)),
    )
    with names["saver"] as saver:
        saver.setup()
        assert chat(saver)
        assert saver.flush()
    names["archive"].close()
    assert query(postgres_dsn, "SELECT thread_id FROM chat.prompt_sessions") == [("1",)]


async def test_what_can_be_asked_of_the_archive(run, redis_url, postgres_dsn):
    with DualStoreSaver.from_conn_string(redis_url, postgres_dsn, run_archiver=False) as saver:
        saver.setup()
        assert chat(saver)
        assert saver.backlog().queued == 1
        flush, *others = [line.partition("  #")[0] for line in snippet("backlog()").splitlines()]
        assert eval(flush, {"saver": saver})
        assert saver.backlog().queued == 0
        archived, evicted, backlog, revived = [eval(line, {"saver": saver}) for line in others]
        assert archived == "archived"
        assert evicted is True
        assert backlog == (0, 0, 0, 0, [], None)
        assert revived is False


def test_a_worker_of_ones_own(redis_url, postgres_dsn, tmp_path):
    text = snippet("signal.sigwait(", (LOCAL, redis_url), (POSTGRES, postgres_dsn))
    script = tmp_path / "worker.py"
    script.write_text(f"from langgraph_dualstore import DualStoreSaver\n{text}")
    with DualStoreSaver.from_conn_string(redis_url, postgres_dsn, run_archiver=False) as saver:
        saver.setup()
        assert chat(saver)
        with subprocess.Popen([sys.executable, script]) as worker:
            eventually(lambda: query(postgres_dsn, "SELECT * FROM prompt_sessions"), timeout=60)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
        assert saver.backlog() == (0, 0, 0, 0, [], None)


async def test_redacting(run, redis_url, postgres_dsn):
    text = snippet("def redact", (LOCAL, redis_url), (POSTGRES, postgres_dsn))
    names = await run(text)
    number = "4111 1111 1111 1111"
    with names["saver"] as saver:
        saver.setup()
        graph = chat_builder().compile(checkpointer=saver)
        said = [{"type": "text", "text": f"take {number}"}]
        graph.invoke({"messages": [HumanMessage(said), ToolMessage("1", tool_call_id="1")]}, THREAD)
        assert saver.flush()
        assert number in str(graph.get_state(THREAD).values)
    rows = query(postgres_dsn, "SELECT role::text, content, meta::text FROM prompt_messages")
    assert [row[0] for row in rows] == ["user", "assistant"]
    assert rows[0][1] == "take [card]"
    assert number not in str(rows)


async def test_tls(run, tls_server):
    shown = "rediss://localhost:6380/0?ssl_ca_certs=/etc/ssl/redis-ca.pem"
    await run(snippet("rediss://", (shown, tls_server.url)))
    with DualStoreSaver.from_conn_string(tls_server.url) as saver:
        assert chatted(saver)


async def test_given_clients(run, redis_url, redis_client, saver):
    host, port = redis_client.connection_pool.connection_kwargs["host"], _port(redis_client)
    names = await run(
        snippet(
            "redis.asyncio.Redis(", ('host="localhost", port=6379', f'host="{host}", port={port}')
        ),
    )
    assert chat(names["saver"])
    assert await names["saver"].aget_tuple(THREAD) is not None
    names["client"].close()
    await names["async_client"].aclose()


def _port(client: redis.Redis) -> int:
    options = client.connection_pool.connection_kwargs
    if options.get("db"):
        pytest.skip("the snippet names no database")
    return options["port"]


async def test_a_cluster(run, redis_cluster):
    host, port = redis_cluster.nodes[0].address
    names = await run(
        snippet(
            "redis.RedisCluster(",
            ('host="localhost", port=7000', f'host="{host}", port={port}'),
        )
    )
    assert chat(names["saver"])


async def test_a_sentinel(run, redis_sentinel):
    names = await run(
        snippet(
            "Sentinel(",
            ('[("localhost", 26379)]', repr(redis_sentinel.sentinels)),
            ("mymaster", sentinel.SERVICE),
        )
    )
    assert chat(names["saver"])
    names["master"].close()


async def test_an_embedded_server(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    await run(snippet("DualStoreSaver.embedded("))
    with DualStoreSaver.embedded(tmp_path / "state") as saver:
        assert chatted(saver)
        assert saver.archive_thread("1") == "archived"


async def test_the_forms_of_a_ttl(run, redis_url, saver):
    made: list[DualStoreSaver] = []
    text = snippet("default_ttl", (LOCAL, redis_url))
    text = text.replace("DualStoreSaver.from_conn_string(", "opened(")

    def opened(*args: Any, **settings: Any) -> None:
        made.append(DualStoreSaver.from_conn_string(*args, **settings))

    await run(text, opened=opened)
    lives = []
    for one in made:
        saver.delete_thread("1")
        assert chat(one)
        lives.append(one.ttl_of("1"))
        one.close()
    week, hour, no_end, other = lives
    assert timedelta(days=7) - timedelta(minutes=1) < week <= timedelta(days=7)
    for life in (hour, other):
        assert timedelta(minutes=59) < life <= timedelta(hours=1)
    assert no_end is None
    assert [one.settings.refresh_on_read for one in made] == [False, False, False, True]


async def test_changing_how_long_a_thread_lives(run, saver):
    assert chat(saver)
    lines = snippet("saver.extend_ttl(").splitlines()
    lives = []
    for line in lines:
        await run(line, saver=saver, timedelta=timedelta)
        lives.append(saver.ttl_of("1"))
    imported, _, extended, pinned, unpinned, _ = lives
    assert imported <= timedelta(hours=24)
    assert timedelta(days=29) < extended <= timedelta(days=30)
    assert pinned is None
    assert timedelta(hours=23) < unpinned <= timedelta(hours=24)
    assert saver.ttl_of("not there") == timedelta(0)


async def test_keeping_the_newest_only(run, redis_url):
    names = await run(snippet("keep_last=1", (LOCAL, redis_url)))
    with names["saver"] as saver:
        assert chat(saver)
        assert len(list(saver.list(THREAD))) == 1


async def test_classes_of_ones_own(run, redis_url, saver, caplog):
    names = await run(snippet("class Order", (LOCAL, redis_url)))
    order = names["Order"](7)
    with names["saver"] as allowing:
        graph = chat_builder().compile(checkpointer=allowing)
        graph.invoke({**says("hello"), "order": order}, THREAD)
        assert graph.get_state(THREAD).values["order"] == order
    with caplog.at_level(logging.WARNING):
        values = saver.get_tuple(THREAD).checkpoint["channel_values"]
    assert values["order"] == {"number": 7}
    assert "Order" in caplog.text


def test_the_table_of_settings_is_that_of_the_class():
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \|", README, re.MULTILINE)
    shown = {name: eval(default, {"timedelta": timedelta}) for name, default in rows}
    assert shown == {
        field.name: field.default for field in dataclasses.fields(Settings) if field.init
    }


def test_the_keys_are_those_of_a_thread(redis_url, redis_client):
    shown = dict(re.findall(r"^(langgraph:state:\S+ id>}:\w+) +([a-z]+)", README, re.MULTILINE))
    with DualStoreSaver.from_conn_string(
        redis_url, archive=MemoryArchive(), run_archiver=False
    ) as saver:
        assert chat(saver)
    keys = thread_keys("langgraph:state", "<thread id>")
    assert [key.encode() for key in shown] == list(keys)
    types_of = {"hash": b"hash", "sorted": b"zset", "string": b"string"}
    for key, kind in shown.items():
        stored = key.replace("<thread id>", "1")
        assert redis_client.type(stored) == types_of[kind]
    keys = {key.decode() for key in redis_client.scan_iter()}
    queued = {key for key in keys if key.startswith("langgraph:state:queue:{")}
    assert keys - queued == {key.replace("<thread id>", "1") for key in shown}
    with DualStoreSaver.from_conn_string(redis_url) as saver:
        redis_client.flushdb()
        assert chat(saver)
    assert redis_client.dbsize() == 4


# --- commands ---

SET_UP = re.compile(r"^python3 -m venv \.venv && \.venv/bin/pip install -e ")
"""These are what CI begins with."""


def test_every_command_is_known():
    known = ("langgraph-dualstore", "python -m benchmarks", "pytest", "ruff", "mypy", "pip")
    for command in COMMANDS:
        bare = command.split(" ", 1)[1] if command.startswith("DUALSTORE_TEST_") else command
        assert SET_UP.match(command) or bare.startswith(known), command


def test_the_two_commands_are_there_and_ci_gives_the_second():
    demo, tests = [command for command in COMMANDS if SET_UP.match(command)]
    assert demo.endswith('".[embedded]" && .venv/bin/langgraph-dualstore demo')
    assert tests in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def shown(start: str) -> list[str]:
    return [command for command in COMMANDS if command.startswith(f"langgraph-dualstore {start}")]


def test_the_commands_of_the_archive(redis_url, postgres_dsn):
    set_up, schema, *workers = shown("setup") + shown("schema") + shown("worker")
    (forever, once, _) = workers  # the last has a saver of one's own: test_cli_saver
    assert forever + " --once" == once
    for command in (set_up, schema, once):
        text = command.replace(LOCAL, redis_url).replace(POSTGRES, postgres_dsn)
        done = run_command(*shlex.split(text)[1:])
        assert done.returncode == 0, done.stderr
    assert "CREATE TABLE" in run_command(*shlex.split(schema)[1:]).stdout


def test_the_commands_that_look_at_threads(redis_url, postgres_dsn):
    with DualStoreSaver.from_conn_string(redis_url, postgres_dsn) as saver:
        saver.setup()
        config = {"configurable": {"thread_id": "1", "user_id": "ann"}}
        chat_builder().compile(checkpointer=saver).invoke(says("hello"), config)
        assert saver.flush()
    printed = []
    for command in (*shown("status"), *shown("threads"), *shown("show")):
        text = command.replace(LOCAL, redis_url).replace(POSTGRES, postgres_dsn)
        done = CliRunner().invoke(app, shlex.split(text)[1:])
        assert done.exit_code == 0, done.output
        printed.append(done.output)
    status, threads, transcript = printed
    assert "Nothing is wrong." in status
    assert "finished" in threads
    assert "1: hello" in transcript


@pytest.mark.parametrize("command", shown("demo"))
def test_the_demo(command, tmp_path):
    name, *arguments = shlex.split(command)
    found = subprocess.run(
        [Path(sys.executable).with_name(name), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    if "--json" in arguments:
        assert json.loads(found.stdout)["stored"]["conversations"] == 20
    assert [file.name for file in tmp_path.iterdir()] == (
        [] if "--path" not in arguments else [arguments[-1].removeprefix("./")]
    )


def test_the_benchmarks_take_what_is_shown():
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": ""},
    ).stdout
    for command in COMMANDS:
        if command.startswith("python -m benchmarks"):
            assert all(option in told for option in shlex.split(command)[3:])


def test_the_kinds_of_servers_are_those_that_the_tests_take():
    shown = set(re.findall(r"--redis (\w+)$", "\n".join(COMMANDS), re.MULTILINE))
    assert shown | {kinds.DEFAULT} == set(kinds.KINDS)
    (sentence,) = re.findall(r"`--postgres` does the same: (.+?)\.", README)
    assert set(re.findall(r"`(\w+)`", sentence)) <= set(postgres_kinds.KINDS)


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{page.name}" for page in DOCS)])
def test_every_file_that_is_linked_to_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    package = Path(langgraph_dualstore.__file__).parent
    for link, _, heading in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", text)):
        if link.startswith("http"):
            continue
        inside = link.startswith("langgraph_dualstore/")  # which may be installed elsewhere
        base = package.parent if inside else (ROOT / page).parent
        target = base / link if link else ROOT / page
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in [
                re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings
            ]


def test_the_metrics_to_watch_are_those_that_there_are(redis_url):
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    told = set(re.findall(r"langgraph_dualstore(_[a-z_]+)", text)) - {"_dualstore"}
    told |= set(re.findall(r"`(_[a-z_]+_total)`", text))
    with DualStoreSaver.from_conn_string(redis_url) as saver:
        samples = [
            sample.name.removeprefix("langgraph_dualstore")
            for family in SaverCollector(saver).collect()
            for sample in family.samples
        ]
    assert told == set(samples)
