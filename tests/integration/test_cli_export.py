"""The command `export`: threads as lines of JSON, in a file that is whole or not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest
from cold_archives import await_lock
from command_line import COMMAND, at_terminal, run, start
from graph_runner import thread
from graphs import chat_graph, says
from psycopg import connect

HOSTILE = "\x1b[2J\n[red]"


def talk(saver, thread_id, **configurable):
    chat_graph(saver).invoke(says(f"in {thread_id}"), thread(thread_id, **configurable))


def exported(text):
    """The ids of the threads, and the lines of each by its id."""
    threads: dict[str, list[str]] = {}
    for line in text.splitlines():
        if json.loads(line)["kind"] == "session":
            threads[json.loads(line)["thread_id"]] = lines = []
        lines.append(line)
    return threads


@pytest.fixture
def anns(application, redis_client):
    """Threads of ann in both tiers, and one of bob."""
    names = [f"ann {n}" for n in range(12)]
    for name in names:
        talk(application, name, user_id="ann")
    for name in names[:4]:
        application.archive_thread(name)
    redis_client.delete(*redis_client.keys("*{ann 0}*"), *redis_client.keys("*{ann 1}*"))
    talk(application, HOSTILE, user_id="bob")
    return names


def expected(saver, names):
    return {name: list(saver.export_thread(name)) for name in names}


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def without_time(threads):
    """How long a thread lives on is another by now."""
    for lines in threads.values():
        session = json.loads(lines[0])
        session.pop("ttl", None)
        lines[0] = session
    return threads


def test_threads_are_written_to_standard_output(anns, application, servers):
    done = run("export", "ann 0", HOSTILE, "ann 5", "ann 0", **servers)
    assert (done.returncode, done.stderr) == (0, "")
    found = without_time(exported(done.stdout))
    assert found == without_time(expected(application, ["ann 0", HOSTILE, "ann 5"]))
    assert [json.loads(line)["kind"] for line in done.stdout.splitlines()][:4] == [
        "session",
        "message",
        "message",
        "state",
    ]


def test_all_threads_of_a_user_are_written_to_a_file(anns, application, tmp_path, servers):
    file = tmp_path / "ann.jsonl"
    shown = at_terminal("export", "--user", "ann", "--output", file, **servers)
    assert shown.returncode == 0
    assert shown.text.endswith(f"12 threads in {file}\n")
    found = exported(file.read_text(encoding="utf-8"))
    assert without_time(found) == without_time(expected(application, anns))
    assert names_in(tmp_path) == ["ann.jsonl"]


def test_a_thread_that_is_nowhere_keeps_no_other_from_it(anns, tmp_path, cli):
    file = tmp_path / "some.jsonl"
    done = cli("export", "nowhere\x1b", "ann 5", "-o", file)
    assert done.returncode == 1
    assert done.stderr == (f"Error: there is no thread 'nowhere\\x1b'\n1 thread in {file}\n")
    assert list(exported(file.read_text(encoding="utf-8"))) == ["ann 5"]


def test_nothing_to_export_leaves_no_file(application, tmp_path, cli):
    for arguments in (["nowhere"], ["--user", "nobody"]):
        done = cli("export", *arguments, "-o", tmp_path / "none.jsonl")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert arguments[-1] in done.stderr
    assert names_in(tmp_path) == []
    assert cli("export", "--user", "nobody").returncode == 1


def test_a_file_is_replaced_only_if_told_so(application, tmp_path, cli):
    talk(application, "t")
    file = tmp_path / "t.jsonl"
    file.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(file)
    done = cli("export", "t", "-o", link)
    assert done.returncode == 2
    assert done.stderr == f"Error: {file} is there already; --force replaces it\n"
    assert file.read_text() == "mine"
    assert cli("export", "t", "-o", link, "--force").returncode == 0
    assert list(exported(file.read_text())) == ["t"]
    assert link.is_symlink()
    assert names_in(tmp_path) == ["link", "t.jsonl"]


def test_a_file_that_is_made_meanwhile_is_kept(application, tmp_path, cli, monkeypatch):
    talk(application, "t")
    file = tmp_path / "t.jsonl"

    def export_thread(saver, thread_id):
        file.write_text("another's")
        return iter(["{}"])

    monkeypatch.setattr("langgraph_dualstore.DualStoreSaver.export_thread", export_thread)
    assert cli("export", "t", "-o", file).returncode == 2
    assert file.read_text() == "another's"
    assert names_in(tmp_path) == ["t.jsonl"]


@pytest.mark.parametrize("name", ["", "no/such/folder/file", "/dev/null"])
def test_a_file_that_cannot_be_is_told_in_a_sentence(application, tmp_path, cli, name):
    talk(application, "t")
    done = cli("export", "t", "--force", "-o", tmp_path / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_ctrl_c_leaves_no_file(application, archive_dsn, tmp_path, servers):
    names = ["0", "1", "2"]
    for name in names:
        talk(application, name)
    file = tmp_path / "some.jsonl"
    with connect(archive_dsn) as other:
        other.execute("LOCK TABLE prompt_messages IN ACCESS EXCLUSIVE MODE")
        with start("export", *names, "-o", file, **servers) as process:
            await_lock(archive_dsn)
            process.send_signal(signal.SIGINT)
            other.rollback()
            printed, told = process.communicate(timeout=30)
    assert (process.returncode, printed) == (130, "")
    assert told == "Stopped: 1 of 3 read, and no file was written.\n"
    assert names_in(tmp_path) == []


def test_a_reader_that_has_enough_is_no_mistake(application, servers):
    for n in range(30):
        talk(application, str(n))
    names = " ".join(map(str, range(30)))
    done = subprocess.run(
        ["sh", "-c", f"'{COMMAND}' export {names} | head -n 1"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **servers},
    )
    assert json.loads(done.stdout)["kind"] == "session"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [([], "it takes THREAD or --user"), (["a", "--user", "b"], "not together with THREAD")],
)
def test_what_cannot_be_is_refused(cli, arguments, told):
    done = cli("export", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
