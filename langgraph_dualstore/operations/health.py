"""Telling how both tiers are doing, whatever does not answer."""

from __future__ import annotations

from typing import TypeVar

from langgraph_dualstore._steps import AskArchive, Operation
from langgraph_dualstore.errors import DualStoreError
from langgraph_dualstore.health import ColdHealth, Health, HotHealth, problems_of
from langgraph_dualstore.infos import Servers
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.operations.queue import Backlog, look
from langgraph_dualstore.operations.survey import survey

_T = TypeVar("_T")


def health(context: Context, servers: Servers, seconds: float) -> Operation[Health]:
    """Tell how both tiers are doing.

    Args:
        context: The operation's.
        servers: Where they are.
        seconds: For how long threads are looked at.
    """
    problems: list[str] = []
    found = yield from _or_problem(_hot(context, seconds), problems)
    hot, backlog = found or (None, None)
    if hot and backlog:
        problems += problems_of(context.settings, hot, backlog)
    cold = yield from _or_problem(_cold(context), problems)
    return Health(servers=servers, hot=hot, backlog=backlog, cold=cold, problems=tuple(problems))


def _hot(context: Context, seconds: float) -> Operation[tuple[HotHealth, Backlog]]:
    backlog = yield from look(context)  # first: what takes long may be archived meanwhile
    return (yield from survey(context, seconds)), backlog


def _cold(context: Context) -> Operation[ColdHealth | None]:
    if context.archiving is None:
        return None
    yield AskArchive("marks", ([""],))  # that the tables are there
    if not context.archiving.reports:
        return None
    told: ColdHealth = yield AskArchive("report", ())
    return told


def _or_problem(asking: Operation[_T], problems: list[str]) -> Operation[_T | None]:
    """Run an operation; an error that it ends with is one of the problems."""
    try:
        return (yield from asking)
    except DualStoreError as error:
        problems.append(str(error).partition("\n")[0])
        return None
