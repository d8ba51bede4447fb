"""What a started server looks like to a test."""

from __future__ import annotations

from dataclasses import dataclass

from servers.process import ServerProcess


class ServerUnavailable(Exception):
    """This machine cannot give the kind of server that was asked for; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that answers at `url`; `process` is there if it is one of this machine's."""

    kind: str
    url: str
    process: ServerProcess | None = None
