"""A TCP proxy in a process of its own that counts what a client and a server exchange.

``python -m benchmarks.wire ADDRESS PROTOCOL`` listens on a free loopback port, prints it, and
answers every line on its standard input with its counters. It ends with its standard input.

A round trip is one exchange: the client sends, the server answers all of it, and only then the
client sends again. Both directions are parsed, so a pipeline or a transaction that leaves the
client in several pieces is one exchange, whatever the timing. The client must have only one call
under way (``benchmarks.scenarios.stored`` sees to that).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import hiredis

READ_SIZE = 1 << 20
REPLY_DELAY = 0.0003
"""Seconds that a reply waits here: a client that sends in pieces has then sent the next one."""

INCOMPLETE = object()
TRANSACTION_OPENS = b"MULTI"
TRANSACTION_CLOSES = (b"EXEC", b"DISCARD")


@dataclass
class Counters:
    """Totals since the proxy started, over all connections."""

    sent_bytes: int = 0
    received_bytes: int = 0
    round_trips: int = 0
    commands: int = 0

    def __sub__(self, earlier: Counters) -> Counters:
        mine, theirs = asdict(self), asdict(earlier)
        return Counters(**{name: mine[name] - theirs[name] for name in mine})


class Conversation(Protocol):
    """Understands just enough of a protocol to say whether the client awaits a reply."""

    commands: int

    def sent(self, data: bytes) -> None: ...

    def received(self, data: bytes) -> None: ...

    def awaits_reply(self) -> bool: ...


class Resp:
    """Redis' protocol: one reply per command, push messages aside."""

    def __init__(self) -> None:
        self.commands = 0
        self._replies = 0
        self._in_transaction = False
        self._from_client = hiredis.Reader(notEnoughData=INCOMPLETE)
        self._from_server = hiredis.Reader(notEnoughData=INCOMPLETE)

    def sent(self, data: bytes) -> None:
        self._from_client.feed(data)
        while (command := self._from_client.gets()) is not INCOMPLETE:
            self.commands += 1
            name = bytes(command[0]).upper()
            if name == TRANSACTION_OPENS:
                self._in_transaction = True
            elif name in TRANSACTION_CLOSES:
                self._in_transaction = False

    def received(self, data: bytes) -> None:
        self._from_server.feed(data)
        while (reply := self._from_server.gets()) is not INCOMPLETE:
            if not isinstance(reply, hiredis.PushNotification):
                self._replies += 1

    def awaits_reply(self) -> bool:
        return self._in_transaction or self._replies < self.commands or self._from_client.has_data()


class PostgresFrames:
    """PostgreSQL's protocol 3: the server is ready again after each Sync and each simple query.

    What is sent before a Sync belongs to the exchange that the Sync ends, unless a Flush asks for
    the replies so far.
    """

    def __init__(self) -> None:
        self.commands = 0
        self._started = False  # the start-up message is the only one without a type
        self._unready = 0
        self._open = False
        self._flushed = False
        self._from_client = bytearray()
        self._from_server = bytearray()

    def sent(self, data: bytes) -> None:
        self._from_client += data
        if not self._started and len(self._from_client) >= 4:
            length = int.from_bytes(self._from_client[:4], "big")
            if len(self._from_client) < length:
                return
            del self._from_client[:length]
            self._started = True
            self._unready = 1
        for kind in self._frames(self._from_client):
            self.commands += kind in b"EQ"
            if kind in b"SQ":
                self._unready += 1
                self._open = self._flushed = False
            elif kind in b"H":
                self._flushed = True
            else:
                self._open = True

    def received(self, data: bytes) -> None:
        self._from_server += data
        self._unready -= sum(kind in b"Z" for kind in self._frames(self._from_server))
        if self._flushed:
            self._open = self._flushed = False

    def awaits_reply(self) -> bool:
        return self._unready > 0 or self._open or bool(self._from_client)

    @staticmethod
    def _frames(buffer: bytearray) -> Iterator[int]:
        while len(buffer) >= 5:
            size = 1 + int.from_bytes(buffer[1:5], "big")
            if len(buffer) < size:
                return
            kind = buffer[0]
            del buffer[:size]
            yield kind


PROTOCOLS = {"resp": Resp, "postgres": PostgresFrames}


class Proxy:
    """Forwards connections to one address and counts."""

    def __init__(self, address: str, protocol: str) -> None:
        self.counters = Counters()
        self._address = address
        self._protocol = PROTOCOLS[protocol]

    async def serve(self) -> int:
        """Start listening; returns the port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=READ_SIZE)
        return self._server.sockets[0].getsockname()[1]

    async def _connected(
        self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        with suppress(asyncio.CancelledError):  # the proxy ends while a client is connected
            await self._forward(client, to_client)

    async def _forward(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        scheme, _, place = self._address.partition(":")
        if scheme == "unix":
            server, to_server = await asyncio.open_unix_connection(place, limit=READ_SIZE)
        else:
            host, _, port = place.rpartition(":")
            server, to_server = await asyncio.open_connection(host, int(port), limit=READ_SIZE)
        conversation = self._protocol()
        pumps = (
            asyncio.ensure_future(self._upward(client, to_server, conversation)),
            asyncio.ensure_future(self._downward(server, to_client, conversation)),
        )
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for writer in (to_client, to_server):
            writer.close()

    async def _upward(
        self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter, talk: Conversation
    ) -> None:
        while data := await client.read(READ_SIZE):
            if not talk.awaits_reply():
                self.counters.round_trips += 1
            commands = talk.commands
            talk.sent(data)
            self.counters.commands += talk.commands - commands
            self.counters.sent_bytes += len(data)
            to_server.write(data)
            await to_server.drain()

    async def _downward(
        self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter, talk: Conversation
    ) -> None:
        while data := await server.read(READ_SIZE):
            await asyncio.sleep(REPLY_DELAY)
            talk.received(data)
            self.counters.received_bytes += len(data)
            to_client.write(data)
            await to_client.drain()


class RunningProxy:
    """The handle of a proxy process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._line())

    def read(self) -> Counters:
        """The counters now. Every reply that the client has seen is counted."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Counters(**json.loads(self._line()))

    def _line(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The counting proxy has ended.")
        return line


@contextmanager
def counting_proxy(address: str, protocol: str) -> Iterator[RunningProxy]:
    """A proxy in front of a server; stopped at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.wire", address, protocol],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    try:
        yield RunningProxy(process)
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


async def main(address: str, protocol: str) -> None:
    proxy = Proxy(address, protocol)
    print(await proxy.serve(), flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def report() -> None:
        print(json.dumps(asdict(proxy.counters)), flush=True)

    def listen() -> None:
        for _ in sys.stdin:
            loop.call_soon_threadsafe(report)
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=listen, daemon=True).start()
    await ended.wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
