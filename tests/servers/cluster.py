"""A Redis Cluster of three masters without replicas."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.cluster import ClusterNode

from servers.process import ServerFailed, ServerProcess

_SLOTS = 16384
_NODE_TIMEOUT_MS = 2000


@dataclass(frozen=True, kw_only=True)
class Cluster:
    nodes: list[ServerProcess]

    @property
    def url(self) -> str:
        """The first node's address, without a database: a cluster has one only."""
        return self.nodes[0].url.removesuffix("/0")

    @property
    def startup_nodes(self) -> list[ClusterNode]:
        """What `redis.cluster.RedisCluster(startup_nodes=…)` takes."""
        return [ClusterNode(*node.address) for node in self.nodes]

    def heal(self) -> None:
        """Bring back the nodes that a test stopped, killed or suspended."""
        for node in self.nodes:
            node.resume()
            node.start()
        self.await_ok()

    def flush(self) -> None:
        for node in self.nodes:
            with node.client() as client:
                client.flushall()

    def await_ok(self, patience: float = 30.0) -> None:
        """Wait until every node knows the others and serves its slots."""
        deadline = time.monotonic() + patience
        while not all(self._is_ok(node) for node in self.nodes):
            if time.monotonic() > deadline:
                raise ServerFailed("\n".join(["no cluster:", *(n.log() for n in self.nodes)]))
            time.sleep(0.05)

    def _is_ok(self, node: ServerProcess) -> bool:
        with contextlib.suppress(redis.RedisError), node.client() as client:
            info = _lines_of(client.execute_command("CLUSTER INFO"))
            known = int(info["cluster_known_nodes"])
            return info["cluster_state"] == "ok" and known == len(self.nodes)
        return False


@contextlib.contextmanager
def serve(binary: Path, folder: Path, size: int = 3) -> Iterator[Cluster]:
    with contextlib.ExitStack() as stack:
        settings = (f"cluster-node-timeout {_NODE_TIMEOUT_MS}",)
        nodes = [
            stack.enter_context(
                ServerProcess(binary, folder / f"node{number}", *settings, cluster=True)
            )
            for number in range(size)
        ]
        cluster = Cluster(nodes=nodes)
        for number, node in enumerate(nodes):
            with node.client() as client:
                slots = range(number * _SLOTS // size, (number + 1) * _SLOTS // size)
                client.execute_command("CLUSTER ADDSLOTS", *slots)
                # Without epochs of their own the nodes take seconds to agree on the slots.
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                for other in nodes[:number]:
                    client.execute_command("CLUSTER MEET", *other.address)
        cluster.await_ok()
        yield cluster


def _lines_of(reply: object) -> dict[str, str]:
    """`CLUSTER INFO`, which some clients parse and some do not."""
    if isinstance(reply, dict):
        return {str(name): str(value) for name, value in reply.items()}
    text = reply.decode() if isinstance(reply, bytes) else str(reply)
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
