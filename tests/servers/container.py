"""Redis in a container that `testcontainers` starts, from DUALSTORE_TEST_REDIS_IMAGE."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from servers.server import Server, ServerUnavailable


def image() -> str:
    return os.environ.get("DUALSTORE_TEST_REDIS_IMAGE", "redis:7")


def require_engine() -> None:
    import docker  # noqa: PLC0415 # Slow, and needed by few runs.
    from docker.errors import DockerException  # noqa: PLC0415

    try:
        with contextlib.closing(docker.from_env()) as engine:
            engine.ping()
    except DockerException as error:
        raise ServerUnavailable(f"No Docker engine answers: {error}") from error


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    require_engine()
    from testcontainers.community.redis import RedisContainer  # noqa: PLC0415 # The same.

    with RedisContainer(image()) as container:
        host, port = container.get_container_host_ip(), container.get_exposed_port(6379)
        yield Server(kind="container", url=f"redis://{host}:{port}/0")
