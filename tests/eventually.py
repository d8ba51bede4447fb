"""Waiting for what another thread does, no longer than it takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

_PAUSE = 0.01  # seconds


def eventually(condition: Callable[[], _T], timeout: float = 15.0) -> _T:
    """Call `condition` until it returns something true, and return that."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"did not happen within {timeout} s"
        time.sleep(_PAUSE)
    return result


async def aeventually(condition: Callable[[], _T], timeout: float = 15.0) -> _T:  # noqa: ASYNC109
    """Async twin of `eventually`."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"did not happen within {timeout} s"
        await asyncio.sleep(_PAUSE)
    return result
