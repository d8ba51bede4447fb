"""A server of the user's own, named by DUALSTORE_TEST_REDIS_URL."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import redis

from servers.server import Server, ServerUnavailable


def base_url() -> str:
    url = os.environ.get("DUALSTORE_TEST_REDIS_URL", "")
    if not url:
        raise ServerUnavailable(
            "Set DUALSTORE_TEST_REDIS_URL to a server whose database the tests may erase."
        )
    return url


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """Use the server, one database for each worker of pytest-xdist, if it is empty."""
    url = _database_of_worker(base_url())
    with redis.Redis.from_url(url) as client:
        if client.dbsize() and os.environ.get("DUALSTORE_TEST_REDIS_ERASE") != "1":
            raise ServerUnavailable(
                f"Database {urlsplit(url).path} of DUALSTORE_TEST_REDIS_URL is not empty; "
                "with DUALSTORE_TEST_REDIS_ERASE=1 the tests erase it."
            )
        yield Server(kind="own", url=url)
        client.flushdb()


def _database_of_worker(url: str) -> str:
    parts = urlsplit(url)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    database = int(parts.path.strip("/") or 0) + int(worker)
    return urlunsplit(parts._replace(path=f"/{database}"))
