"""Ctrl-C where a command can stop, not where it happens to be."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the command asks; a second one takes effect at once.

    A `KeyboardInterrupt` that arrives while a graph starts a worker thread leaves a
    thread that nobody ends, and the process waits for it for ever.

    Yields:
        A function that raises `KeyboardInterrupt` if Ctrl-C has been pressed.
    """
    pressed = False

    def press(*_: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    def stop_if_pressed() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # as `nohup` and a shell's `&` have it
        yield stop_if_pressed
        return
    signal.signal(signal.SIGINT, press)
    try:
        yield stop_if_pressed
    finally:
        signal.signal(signal.SIGINT, before)
