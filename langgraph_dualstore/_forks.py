"""Starting anew in a forked child: locks may be held there by threads that it does not have."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

_renewed: weakref.WeakSet[Any] = weakref.WeakSet()


def renew_after_fork(thing: Any) -> None:
    """Have `thing.renew()` called in every child process that is forked from now on."""
    _renewed.add(thing)


def _renew_all() -> None:
    for thing in list(_renewed):
        renew: Callable[[], None] = thing.renew
        renew()


os.register_at_fork(after_in_child=_renew_all)
