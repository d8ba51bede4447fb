"""One server at a time uses a folder."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from langgraph_dualstore.errors import ConfigurationError

_PATIENCE = 5.0


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold the folder's lock, waiting a little for a server that is just ending.

    Args:
        folder: The folder that is to be used.

    Yields:
        The lock's descriptor. A process that inherits it holds the lock until it ends.

    Raises:
        ConfigurationError: Another server is using the folder.
    """
    import fcntl  # noqa: PLC0415  # Not on Windows, where the rest of the module must import.

    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConfigurationError(
                        f"Another embedded server is using {folder}: "
                        "stop it, or choose another folder."
                    ) from None
            time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)
