"""An address that first leads to one server and then to another, as a failover moves it."""

from __future__ import annotations

from servers.process import ServerProcess
from servers.proxy import Proxy


class MovingAddress(Proxy):
    """Passes on what is said on a port of its own."""

    def __init__(self, process: ServerProcess) -> None:
        super().__init__(process.address)
        self.url = self.url_of(process.url)

    def move_to(self, process: ServerProcess) -> None:
        """Lead to another server from now on; connections to the last one break."""
        self.target = process.address
        self.cut()
