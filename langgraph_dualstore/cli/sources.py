"""The saver that a command copies from: anything that `--from` may name."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from langgraph.checkpoint.base import BaseCheckpointSaver

from langgraph_dualstore.cli.consoles import fail
from langgraph_dualstore.cli.imports import imported
from langgraph_dualstore.copying.sources import (
    Reading,
    afind_thread_ids,
    aread_thread,
    find_thread_ids,
    is_async,
    read_thread,
)
from langgraph_dualstore.errors import ConfigurationError, DualStoreError

_PASSWORD = re.compile(r"(?<=://)[^/\s]*@|(?<=password=)\S+")


class Source(NamedTuple):
    """A saver of any kind, as blocking functions.

    Attributes:
        saver: The saver.
        find: Returns the ids of all of its threads.
        read: Reads a thread.
    """

    saver: BaseCheckpointSaver[Any]
    find: Callable[[], list[str]]
    read: Callable[[str], Reading]


@contextlib.contextmanager
def opened_source(path: str) -> Iterator[Source]:
    """Yield the saver that `module:name` names, and close it in the end.

    That is a saver, or a function or a context manager, sync or async, that gives one, one
    by another if need be: a function may return what `PostgresSaver.from_conn_string` returns.

    Raises:
        ConfigurationError: There is no such thing, or it gives no saver.
        typer.Exit: It raised an error.
    """
    with contextlib.ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        named = imported("--from", path)
        try:
            saver = _opened(named, stack, runner)
        except DualStoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the function raises
            fail(f"--from: {path} cannot be opened: {told(error)}")
        if not isinstance(saver, BaseCheckpointSaver):
            raise ConfigurationError(f"--from: {path} is no checkpoint saver, and gives none")
        if is_async(saver):
            yield Source(
                saver,
                lambda: runner.run(_all_of(saver)),
                lambda thread_id: runner.run(aread_thread(saver, thread_id)),
            )
        else:
            yield Source(saver, lambda: list(find_thread_ids(saver)), partial(read_thread, saver))


def told(error: Exception) -> str:
    """Return what an error of somebody else's says, in a line without a password."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {_PASSWORD.sub('…', text)}"


def _opened(named: Any, stack: contextlib.ExitStack, runner: asyncio.Runner) -> Any:
    while True:
        entered = named
        if isinstance(named, type):
            entered = named()
        elif hasattr(named, "__enter__"):
            entered = stack.enter_context(named)
        elif hasattr(named, "__aenter__"):
            stack.callback(lambda manager: runner.run(_awaited(_left(manager))), named)
            entered = runner.run(_awaited(named.__aenter__()))
        elif isinstance(named, Awaitable):
            entered = runner.run(_awaited(named))
        elif callable(named) and not isinstance(named, BaseCheckpointSaver):
            entered = named()
        if entered is named or isinstance(entered, BaseCheckpointSaver):
            return entered
        named = entered


def _left(manager: Any) -> Awaitable[Any]:
    left: Awaitable[Any] = manager.__aexit__(None, None, None)
    return left


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def _all_of(saver: BaseCheckpointSaver[Any]) -> list[str]:
    return [thread_id async for thread_id in afind_thread_ids(saver)]
