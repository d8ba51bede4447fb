"""What a saver counts of its own work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Counters:
    """What a saver has done since it was made, in this process; only read it.

    Attributes:
        puts: Checkpoints stored.
        repeated_puts: How many of them were sent again, whole, because something that this
            process believed to be in Redis was not there any more.
        round_trips: Exchanges with Redis.
        bytes_sent: Bytes of the commands in them.
        bytes_saved: Bytes of values that were not sent because Redis had them already.
        archived_threads: How many times a thread was archived.
        archived_messages: Messages that were new to the archive, or had changed.
        archive_retries: How many times archiving was put off because a server failed.
        restores: Threads brought back from the archive.
    """

    puts: int = 0
    repeated_puts: int = 0
    round_trips: int = 0
    bytes_sent: int = 0
    bytes_saved: int = 0
    archived_threads: int = 0
    archived_messages: int = 0
    archive_retries: int = 0
    restores: int = 0

    def sent(self, command: Iterable[bytes | str | int]) -> None:
        """Count the bytes of a command."""
        size = 0
        for part in command:
            size += len(str(part)) if type(part) is int else len(part)  # type: ignore[arg-type]
        self.bytes_sent += size
