"""What the embedded PostgreSQL has that other embedded servers have not."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from langgraph_dualstore.embedded import EmbeddedPostgres, postgres, postgres_programs
from langgraph_dualstore.errors import ColdStoreError, ConfigurationError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="it is another user's for root only")

KILLED_PROCESS = """
import os, sys
from pathlib import Path
from langgraph_dualstore.embedded import EmbeddedPostgres, postgres
postgres.postgres_programs = lambda: Path(sys.argv[2])
server = EmbeddedPostgres(sys.argv[1]).start()
print(server.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def shown(url: str, setting: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
        assert row
        return row[0]


def user_of(server: EmbeddedPostgres) -> int:
    return psutil.Process(server.pid).uids().effective


@pytest.fixture
def temporary(monkeypatch) -> Iterator[Path]:
    """The folder for temporary files of this test alone, which everybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(folder)


@pytest.fixture
def closed_programs(tmp_path) -> Path:
    """The wheel's programs, in a folder that is its owner's only."""
    programs = postgres_programs()
    package = programs.parents[1]
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for folder in (programs.parent, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, home / folder.relative_to(package.parent))
    return home / programs.relative_to(package.parent)


def test_its_settings_are_the_given_ones_and_it_keeps_what_it_has_said(tmp_path):
    with EmbeddedPostgres(tmp_path, {"max_connections": "7"}) as server:
        assert shown(server.url, "max_connections") == "7"
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert shown(server.url, setting) == "on"
        assert shown(server.url, "server_encoding") == "UTF8"


def test_nobody_gets_in_without_its_password(tmp_path):
    with EmbeddedPostgres(tmp_path) as server:
        password = urlsplit(server.url).password
        assert password
        assert password not in repr(server)
        for wrong in ("", ":guessed"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(server.url.replace(f":{password}", wrong))
        for path in (server.folder, server.folder / "data", server.folder / "data" / "password"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        url = server.url
    with EmbeddedPostgres(tmp_path) as server:
        assert urlsplit(server.url).password == urlsplit(url).password


@pytest.mark.usefixtures("with_embedded_data")
def test_it_stops_although_clients_are_connected_and_leaves_no_process(tmp_path):
    with EmbeddedPostgres(tmp_path) as server:
        connection = psycopg.connect(server.url)
        processes = psutil.Process(server.pid).children()
        assert len(processes) > 3
    assert not any(process.is_running() for process in processes)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_data_that_were_not_finished_are_made_again(tmp_path):
    unfinished = tmp_path / "postgres" / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")
    with EmbeddedPostgres(tmp_path) as server:
        assert shown(server.url, "data_directory")
    assert not unfinished.exists()


@pytest.mark.usefixtures("with_embedded_data")
def test_a_killed_servers_id_may_be_another_programs_by_now(tmp_path):
    with EmbeddedPostgres(tmp_path) as server:
        user = user_of(server)
        left = server.folder / "data" / "postmaster.pid"
        lines = left.read_text().splitlines(keepends=True)
        os.kill(server.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(server.pid)], timeout=5)
        assert not server.running
        other = subprocess.Popen(["sleep", "60"], user=user)
        try:
            left.write_text("".join([f"{other.pid}\n", *lines[1:]]))
            server.start()
            assert shown(server.url, "data_directory")
        finally:
            other.kill()
            other.wait()


def test_a_time_that_is_too_short_is_an_error_and_no_more(tmp_path):
    server = EmbeddedPostgres(tmp_path)
    with pytest.raises(ColdStoreError, match=r"within 0\.01 seconds"):
        server.start(timeout=0.01)
    assert not server.running
    with server:
        assert shown(server.url, "data_directory")


def test_data_that_cannot_be_made_are_shown_with_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres, "_USER", "pg_reserved")
    with pytest.raises(ColdStoreError, match=r"(?s)initdb ended with code 1.*pg_"):
        EmbeddedPostgres(tmp_path).start()


@as_root
def test_root_runs_it_as_nobody_and_opens_no_folder_for_that(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with EmbeddedPostgres(home / "state") as server:
        assert user_of(server) != 0
        assert shown(server.url, "server_version").startswith("18")
    for folder in (home, home / "state" / "postgres"):
        assert folder.stat().st_uid == 0
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@as_root
def test_root_runs_it_as_whose_data_they_are(tmp_path):
    with EmbeddedPostgres(tmp_path) as server:
        pass
    owner = 54321
    for path in (server.folder, *server.folder.rglob("*")):
        os.chown(path, owner, owner)
    with server:
        assert user_of(server) == owner
        assert shown(server.url, "server_version")
    assert {path.stat().st_uid for path in server.folder.rglob("data/**")} == {owner}


@as_root
def test_root_runs_a_copy_of_programs_that_are_closed_to_others(
    tmp_path, closed_programs, temporary, monkeypatch
):
    monkeypatch.setattr(postgres, "postgres_programs", lambda: closed_programs)
    with EmbeddedPostgres(tmp_path) as server:
        program = Path(psutil.Process(server.pid).exe())
        assert program.is_relative_to(temporary)
        assert program.stat().st_uid == 0
        with psycopg.connect(server.url) as connection:
            # It loads a library from where the program is.
            connection.execute("DO $$ BEGIN NULL; END $$")
    assert not list(temporary.iterdir())
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


@as_root
def test_the_copy_goes_with_a_process_that_was_killed(tmp_path, closed_programs, temporary):
    starter = subprocess.run(
        [sys.executable, "-c", KILLED_PROCESS, str(tmp_path), str(closed_programs)],
        stdout=subprocess.PIPE,
        check=False,
    )
    assert starter.returncode == -9
    psutil.Process(int(starter.stdout)).wait(timeout=10)
    deadline = time.monotonic() + 10
    while list(temporary.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not list(temporary.iterdir())


@as_root
def test_a_place_where_no_copy_runs_is_told(tmp_path, closed_programs, temporary, monkeypatch):
    monkeypatch.setattr(postgres, "postgres_programs", lambda: closed_programs)
    temporary.chmod(0o700)
    with pytest.raises(ConfigurationError, match="TMPDIR"):
        EmbeddedPostgres(tmp_path).start()
    assert not list(temporary.iterdir())
