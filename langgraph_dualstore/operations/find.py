"""Finding the threads there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from langgraph_dualstore._steps import Operation, Scan
from langgraph_dualstore.hot.keys import head_pattern, thread_ids_of
from langgraph_dualstore.operations.context import Context


def find_names(
    pattern: bytes, names_of: Callable[[Iterable[bytes | str]], Iterable[str]]
) -> Operation[list[str]]:
    """Return what all keys that match a pattern stand for, once each, in no order."""
    found: dict[str, None] = {}
    node, cursor = "", 0
    while True:
        node, cursor, keys = yield Scan(pattern, node, cursor)
        found |= dict.fromkeys(names_of(keys))
        if (node, cursor) == ("", 0):
            return list(found)


def find_threads(context: Context) -> Operation[list[str]]:
    """Return the id of every thread under the prefix, once each, in no order.

    No key lists the threads: one that expired would stay on the list.
    """
    prefix = context.settings.prefix
    return (yield from find_names(head_pattern(prefix), partial(thread_ids_of, prefix)))
