"""PostgreSQL in a container that `testcontainers` starts, from DUALSTORE_TEST_POSTGRES_IMAGE."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from servers.container import require_engine
from servers.postgres import PostgresServer


def image() -> str:
    return os.environ.get("DUALSTORE_TEST_POSTGRES_IMAGE", "postgres:17")


@contextlib.contextmanager
def serve() -> Iterator[PostgresServer]:
    require_engine()
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 # Slow.

    with PostgresContainer(image(), driver=None) as container:
        yield PostgresServer(kind="container", url=container.get_connection_url())
