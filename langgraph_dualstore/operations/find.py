"""Finding the threads there are."""

from __future__ import annotations

from langgraph_dualstore._steps import Operation, Scan
from langgraph_dualstore.hot.keys import head_pattern, thread_ids_of
from langgraph_dualstore.operations.context import Context


def find_threads(context: Context) -> Operation[list[str]]:
    """Return the id of every thread under the prefix, once each, in no order.

    No key lists the threads: one that expired would stay on the list.
    """
    prefix = context.settings.prefix
    pattern = head_pattern(prefix)
    found: dict[str, None] = {}
    cursor = 0
    while True:
        reply = yield Scan(pattern, cursor)
        found |= dict.fromkeys(thread_ids_of(prefix, reply[1]))
        cursor = int(reply[0])
        if cursor == 0:
            return list(found)
