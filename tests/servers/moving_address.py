"""An address that first leads to one server and then to another, as a failover moves it."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import threading
from types import TracebackType
from typing import Self

from langgraph_dualstore.embedded import HOST
from servers.process import ServerProcess


class MovingAddress:
    """Passes on what is said on a port of its own."""

    def __init__(self, process: ServerProcess) -> None:
        self._server = _Server((HOST, 0), _Passer)
        self._server.target = process.address
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="moving-address", daemon=True
        )

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self._server.server_address[1]}/0"

    def move_to(self, process: ServerProcess) -> None:
        """Lead to another server from now on; connections to the last one break."""
        self._server.target = process.address
        for connection in list(self._server.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        for connection in list(self._server.connections):
            connection.close()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    target: tuple[str, int]

    def __init__(self, *args: object) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(*args)


class _Passer(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        outer = self.request
        with contextlib.suppress(OSError), socket.create_connection(self.server.target) as inner:
            self.server.connections.add(outer)
            with selectors.DefaultSelector() as ready:
                ready.register(outer, selectors.EVENT_READ, inner)
                ready.register(inner, selectors.EVENT_READ, outer)
                while True:
                    for key, _ in ready.select():
                        chunk = key.fileobj.recv(65536)
                        if not chunk:
                            return
                        key.data.sendall(chunk)

    def finish(self) -> None:
        self.server.connections.discard(self.request)
