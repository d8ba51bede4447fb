"""Which saver a command works with: the server options, the environment, or `--saver`."""

from __future__ import annotations

import textwrap

import pytest
from cold_archives import query
from command_line import run
from graph_runner import thread
from graphs import chat_graph, says
from typer.testing import CliRunner

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.cli import app

MINE = """
    from dataclasses import replace

    from langgraph_dualstore import DualStoreSaver

    def shouted(row):
        return replace(row, content=row.content.upper())

    def make():
        return DualStoreSaver.from_conn_string(
            {redis!r}, {postgres!r}, prefix="mine", redact=shouted, run_archiver=False
        )

    made = make()
    number = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch, redis_url, postgres_dsn):
    """A module of a user's, in the folder where commands are run."""
    source = textwrap.dedent(MINE).format(redis=redis_url, postgres=postgres_dsn)
    (tmp_path / "my_app.py").write_text(source)
    (tmp_path / "broken.py").write_text("import nothing_that_exists\n")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def told(module):
    """Runs `status` in this process; returns the code and what it says."""

    def told(*arguments):
        result = CliRunner().invoke(app, ["status", *arguments])
        return result.exit_code, " ".join(result.output.split())

    return told


def test_a_worker_with_the_applications_own_settings(module, redis_url, postgres_dsn):
    with DualStoreSaver.from_conn_string(
        redis_url, postgres_dsn, prefix="mine", run_archiver=False
    ) as saver:
        saver.setup()
        chat_graph(saver).invoke(says("hello"), thread("1"))
    done = run("worker", "--once", DUALSTORE_SAVER="my_app:make")
    assert done.returncode == 0, done.stderr
    assert "keys mine, to postgresql://" in done.stdout
    assert query(postgres_dsn, "SELECT content FROM prompt_messages ORDER BY position")[0] == (
        "HELLO",
    )


@pytest.mark.parametrize("name", ["make", "made"])
def test_a_function_or_a_saver(told, redis_url, name):
    code, output = told("--saver", f"my_app:{name}")
    assert f"Redis {redis_url}" in output
    assert code == 1, "there are no tables"
    assert "langgraph-dualstore setup" in output


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("my_app", "--saver is MODULE:NAME, like my_app.store:make_saver"),
        (":make", "--saver is MODULE:NAME, like my_app.store:make_saver"),
        ("no_app:make", "--saver: there is no module no_app"),
        ("my_app.inner:make", "--saver: there is no module my_app.inner"),
        ("my_app:none", "--saver: my_app has no none"),
        ("my_app:number", "--saver: my_app:number is no DualStoreSaver, and returns none"),
        ("my_app:textless", "--saver: my_app has no textless"),
    ],
)
def test_what_is_no_saver_is_told_in_a_sentence(told, path, sentence):
    assert told("--saver", path) == (2, f"Error: {sentence}")


def test_an_error_of_the_module_itself_is_its_authors_to_see(module):
    result = CliRunner().invoke(app, ["status", "--saver", "broken:make"])
    assert isinstance(result.exception, ModuleNotFoundError)
    assert result.exception.name == "nothing_that_exists"


def test_a_command_that_needs_an_archive_says_how_to_name_one(redis_url):
    result = CliRunner().invoke(app, ["worker", "--redis", redis_url])
    assert result.exit_code == 2
    assert "--postgres, or DATABASE_URL, says where it is" in " ".join(result.output.split())


def test_redis_may_be_told_of_in_parts(redis_url):
    port = redis_url.rpartition(":")[2].partition("/")[0]
    found = CliRunner().invoke(
        app, ["status"], env={"REDIS_HOST": "127.0.0.1", "REDIS_PORT": port, "REDIS_URL": ""}
    )
    assert found.exit_code == 0
    assert f"redis://127.0.0.1:{port}/0" in found.output
