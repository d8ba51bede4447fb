"""Whether lists of threads have those of both tiers."""

from __future__ import annotations

from langgraph_dualstore.cli.consoles import telling
from langgraph_dualstore.saver import DualStoreSaver

_UNSEARCHED = "This archive cannot be searched: threads that have left Redis are not found."


def finds_all(saver: DualStoreSaver) -> bool:
    """Tell whether lists have the threads of both tiers; says so if they have not."""
    if saver.servers.cold is None or saver.searchable:
        return True
    telling().print(_UNSEARCHED)
    return False
