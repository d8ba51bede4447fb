"""What docs/migration.md shows works, and what it says of commands is so."""

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from graph_runner import thread
from graphs import chat_graph, says
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres import PostgresSaver
from raw_checkpoints import config_of, put
from typer.testing import CliRunner

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.cli import app
from langgraph_dualstore.copying import copy_threads

TEXT = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The two snippets that are a module, as one can name it."""
    (tmp_path / "migration.py").write_text(PYTHON[0] + PYTHON[1])
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("migration", None)
    sys.path.remove(str(tmp_path))


def test_every_command_runs_as_it_is_shown(redis_url, postgres_dsn, module, monkeypatch):
    with PostgresSaver.from_conn_string(postgres_dsn) as source:
        source.setup()
        chat_graph(source).invoke(says("a"), thread("1"))
        found = list(source.list(None))
    names = {"REDIS_URL": redis_url, "POSTGRES_DSN": postgres_dsn, "SOURCE_DSN": postgres_dsn}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    for name in ("DATABASE_URL", "DUALSTORE_SAVER"):
        monkeypatch.delenv(name, raising=False)
    printed = []
    for command in COMMANDS:
        # Whatever is before the pipe prints the ids of threads.
        *_, words = command.split(" | ")
        done = CliRunner().invoke(app, shlex.split(words)[1:], input="1\n")
        assert done.exit_code == 0, done.output
        printed.append(done.stdout)
    kept = "1 in the archive, 1 of them there only.\n"
    again = f"Copied 0 threads with 0 checkpoints; 1 there already; {kept}"
    assert printed[1:] == [
        "Would copy 1 thread.\n",
        f"Copied 1 thread with {len(found)} checkpoints; {kept}",
        again,
        again,
    ]


def test_the_snippet_in_python(redis_url, postgres_dsn, capsys):
    source = InMemorySaver()
    chat_graph(source).invoke(says("a"), thread("1"))
    chat_graph(source).invoke(says("a"), thread("2"))
    with DualStoreSaver.from_conn_string(redis_url, postgres_dsn) as target:
        target.setup()
        chat_graph(target).invoke(says("b"), thread("2"))
        exec(compile(PYTHON[2], "docs/migration.md", "exec"), {"source": source, "target": target})
        assert capsys.readouterr().out.startswith("2 ahead ")
        assert target.get_tuple(config_of("1"))


@dataclass
class Order:
    number: int


def test_the_difference_that_it_shows(saver):
    shown = next(text for language, text in BLOCKS if language == "text")
    source = InMemorySaver()
    put(source, 1, {"order": Order(1)}, thread_id="42")
    (copy,) = copy_threads(source, saver)
    told = re.sub(r"(?<=checkpoint 1f0)[0-9a-f-]+", "…", f"Thread '42': {copy.problem}.")
    assert told + "\n" == shown


def test_the_tables_name_what_there_is():
    assert re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE) == ["0", "1", "2", "130"]
    for name in ("unchanged", "ahead", "deleted"):
        assert f"`{name}`" in TEXT
