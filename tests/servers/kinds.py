"""The kinds of server that `--redis` chooses from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from servers import container, own, redis6, redis7, valkey
from servers.process import ServerProcess
from servers.server import Server

DEFAULT = "valkey"

BINARIES: dict[str, Callable[[], Path]] = {
    "valkey": valkey.binary,
    "redis6": redis6.binary,
    "redis7": redis7.binary,
}
"""The kinds that are processes of this machine."""

KINDS = (*BINARIES, "container", "own")

_CHECKS: dict[str, Callable[[], object]] = {
    **BINARIES,
    "container": container.require_engine,
    "own": own.base_url,
}


def check(kind: str) -> None:
    """Raise `ServerUnavailable` if this machine cannot give this kind."""
    _CHECKS[kind]()


def binary(kind: str) -> Path:
    """The server program of a kind; Valkey's for the kinds that have none here."""
    return BINARIES.get(kind, BINARIES[DEFAULT])()


@contextlib.contextmanager
def serve(kind: str, folder: Path) -> Iterator[Server]:
    if kind == "container":
        with container.serve() as server:
            yield server
    elif kind == "own":
        with own.serve() as server:
            yield server
    else:
        with ServerProcess(binary(kind), folder) as process:
            yield Server(kind=kind, url=process.url, process=process)
