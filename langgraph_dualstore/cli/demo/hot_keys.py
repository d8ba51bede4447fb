"""What lies in Redis."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from rich.table import Table

from langgraph_dualstore.cli.demo.dialogs import Dialog
from langgraph_dualstore.cli.demo.stage import Stage
from langgraph_dualstore.hot.keys import thread_keys

_COUNTED = {
    "hash": ("HLEN", "fields"),
    "zset": ("ZCARD", "members"),
    "string": ("STRLEN", "bytes"),
}


class HotKey(NamedTuple):
    """A key as the server has it: memory in bytes, deadline and TTL in milliseconds."""

    name: str
    type: str
    memory: int
    deadline: int
    ttl: int


def show_hot_keys(stage: Stage, dialog: Dialog) -> None:
    """Show the keys of one thread, and what the keys of all come to."""
    client: Any = stage.client  # redis-py types replies as sync or async
    keys = _look_at(stage, dialog)
    start = keys[0].name.rpartition(":")[0]
    deadlines = len({key.deadline for key in keys})
    stage.console.print(
        f"One thread: {len(keys)} keys, {deadlines} deadline{'s' * (deadlines != 1)}."
    )
    stage.console.print(f"{start}…", style="dim")
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for heading in ("key", "type", "holds", "memory", "TTL"):
        table.add_column(heading, justify="right" if heading == "memory" else "left")
    for key in keys:
        command, what = _COUNTED[key.type]
        table.add_row(
            f"…{key.name.removeprefix(start)}",
            key.type,
            f"{client.execute_command(command, key.name):,} {what}",
            f"{key.memory:,} B",
            str(timedelta(milliseconds=key.ttl)).partition(".")[0],
        )
    stage.console.print(table)

    of_all = [key for each in stage.dialogs for key in _look_at(stage, each)]
    megabytes = sum(key.memory for key in of_all) / 1_000_000
    stage.console.print(
        f"\nAll {len(stage.dialogs):,} threads: {len(of_all):,} keys, {megabytes:.1f} MB."
    )


def _look_at(stage: Stage, dialog: Dialog) -> list[HotKey]:
    """Return the keys of a conversation's thread, as they are at one moment."""
    keys = thread_keys(stage.saver.settings.prefix, dialog.id)
    pipeline: Any = stage.client.pipeline(transaction=True)
    with pipeline as looks:
        for key in keys:
            looks.type(key).memory_usage(key, samples=0).pexpiretime(key).pttl(key)
        replies = looks.execute()
    found = [
        HotKey(key.decode(), replies[at].decode(), *replies[at + 1 : at + 4])
        for at, key in zip(range(0, len(replies), 4), keys, strict=True)
    ]
    return [key for key in found if key.type != "none"]
