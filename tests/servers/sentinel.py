"""A master, its replica, and a Sentinel that promotes the replica when the master is gone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redis.sentinel import MasterNotFoundError, Sentinel

from servers.process import ServerFailed, ServerProcess
from servers.replica import replica_of

SERVICE = "dualstore"

# Less makes a busy machine look like a dead master.
_DOWN_AFTER_MS = 2000
_FAILOVER_TIMEOUT_MS = 3000


@dataclass(frozen=True, kw_only=True)
class SentinelSetup:
    """`sentinels` and `service` are what `redis.sentinel.Sentinel` takes.

    `master` and `replica` are what they were at the start; a failover swaps them.
    """

    service: str
    sentinels: list[tuple[str, int]]
    master: ServerProcess
    replica: ServerProcess
    sentinel: ServerProcess

    def await_master(self, process: ServerProcess, patience: float = 20.0) -> None:
        """Wait until the Sentinel names a process as a master that is up, after a failover."""
        deadline = time.monotonic() + patience
        while self._master_address() != process.address:
            if time.monotonic() > deadline:
                raise ServerFailed(f"no failover:\n{self.sentinel.log()}")
            time.sleep(0.05)

    def _master_address(self) -> tuple[str, int] | None:
        finder = Sentinel(self.sentinels, socket_timeout=1)
        with contextlib.suppress(MasterNotFoundError):
            return finder.discover_master(self.service)
        return None


@contextlib.contextmanager
def serve(binary: Path, folder: Path) -> Iterator[SentinelSetup]:
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(ServerProcess(binary, folder / "master"))
        replica = stack.enter_context(replica_of(master, folder / "replica"))
        watched = (
            f"sentinel monitor {SERVICE} {master.address[0]} {master.address[1]} 1",
            f"sentinel down-after-milliseconds {SERVICE} {_DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} {_FAILOVER_TIMEOUT_MS}",
        )
        sentinel = stack.enter_context(
            ServerProcess(binary, folder / "sentinel", *watched, sentinel=True)
        )
        setup = SentinelSetup(
            service=SERVICE,
            sentinels=[sentinel.address],
            master=master,
            replica=replica,
            sentinel=sentinel,
        )
        _await_replica_known(setup)
        yield setup


def _await_replica_known(setup: SentinelSetup, patience: float = 20.0) -> None:
    """A failover needs a replica that the Sentinel has heard of from the master."""
    deadline = time.monotonic() + patience
    finder = Sentinel(setup.sentinels, socket_timeout=1)
    while not finder.discover_slaves(SERVICE):
        if time.monotonic() > deadline:
            raise ServerFailed(f"the replica was not found:\n{setup.sentinel.log()}")
        time.sleep(0.05)
