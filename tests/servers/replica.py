"""A replica of a running server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from servers.process import ServerFailed, ServerProcess


@contextlib.contextmanager
def replica_of(master: ServerProcess, folder: Path) -> Iterator[ServerProcess]:
    """Start a replica of a server and wait until it has the server's data."""
    with master.client() as client:
        # Otherwise it waits for other replicas before it sends its data.
        client.config_set("repl-diskless-sync-delay", 0)
    settings = f"replicaof {master.address[0]} {master.address[1]}"
    with ServerProcess(master.binary, folder, settings) as process:
        await_link(process)
        yield process


def await_link(replica: ServerProcess, patience: float = 20.0) -> None:
    deadline = time.monotonic() + patience
    with replica.client() as client:
        while client.info("replication").get("master_link_status") != "up":
            if time.monotonic() > deadline:
                raise ServerFailed(f"the replica did not catch up:\n{replica.log()}")
            time.sleep(0.05)
