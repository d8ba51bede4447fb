"""Proxies before a server: one passes on what is said, one can also be slow or refuse."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import threading
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from langgraph_dualstore.embedded import HOST


class Proxy:
    """Passes on what is said on a port of its own to `target`, and back."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self._server = _Server((HOST, 0), _Passer)
        self._server.proxy = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="proxy", daemon=True
        )

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self._server.server_address[1]

    def url_of(self, url: str) -> str:
        """The URL that leads where another does, by way of this proxy."""
        parts = urlsplit(url)
        credentials, at, _ = parts.netloc.rpartition("@")
        host, port = self.address
        return urlunsplit(parts._replace(netloc=f"{credentials}{at}{host}:{port}"))

    def cut(self) -> None:
        """Break the connections that are open now."""
        for connection in list(self._server.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def accepts(self) -> bool:
        """Whether a new connection is passed on, rather than closed at once."""
        return True

    def before_sending(self) -> None:
        """Called with each chunk that is on its way to the target."""

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
        self.cut()
        self._server.server_close()


class SlowProxy(Proxy):
    """Waits `delay` seconds with each chunk for the server; closes new connections if `refuse`."""

    def __init__(self, target_host: str, target_port: int) -> None:
        super().__init__((target_host, target_port))
        self.delay = 0.0
        self.refuse = False

    def accepts(self) -> bool:
        return not self.refuse

    def before_sending(self) -> None:
        time.sleep(self.delay)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    proxy: Proxy

    def __init__(self, *args: object) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(*args)


class _Passer(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        proxy, outer = self.server.proxy, self.request
        if not proxy.accepts():
            return
        with contextlib.suppress(OSError), socket.create_connection(proxy.target) as inner:
            self.server.connections.add(outer)
            with selectors.DefaultSelector() as ready:
                ready.register(outer, selectors.EVENT_READ, inner)
                ready.register(inner, selectors.EVENT_READ, outer)
                while True:
                    for key, _ in ready.select():
                        chunk = key.fileobj.recv(65536)
                        if not chunk:
                            return
                        if key.fileobj is outer:
                            proxy.before_sending()
                        key.data.sendall(chunk)

    def finish(self) -> None:
        self.server.connections.discard(self.request)
