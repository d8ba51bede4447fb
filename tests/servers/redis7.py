"""The machine's own `redis-server`, 7.0 on Debian 12."""

from __future__ import annotations

import shutil
from pathlib import Path

from servers.server import ServerUnavailable


def binary() -> Path:
    server = shutil.which("redis-server")
    if server is None:
        raise ServerUnavailable(
            "No redis-server on the PATH; on Debian: apt-get install redis-server."
        )
    return Path(server)
