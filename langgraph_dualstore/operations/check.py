"""Asking both servers whether they answer."""

from __future__ import annotations

from langgraph_dualstore._steps import AskArchive, Operation, TimeLeft
from langgraph_dualstore.operations.context import Context


def check(context: Context) -> Operation[None]:
    """Ask Redis and the archive what costs them nothing.

    Raises:
        ColdStoreError: The archive refused or failed.
        SchemaMismatch: Its tables are missing, or of another version.
        HotStoreError: Redis refused or failed.
    """
    yield TimeLeft(context.keys(""))
    if context.archiving is not None:
        yield AskArchive("marks", ([""],))
