"""Signals that end a command where it can stop, not where it happens to be."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

INTERRUPTED = 130
"""What a command ends with that Ctrl-C stopped, as a shell reports one that SIGINT ended."""


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


@contextlib.contextmanager
def watched_for_end() -> Iterator[Callable[[], signal.Signals | None]]:
    """Take note of SIGINT and SIGTERM; a second signal takes effect as it would without this.

    Yields:
        A function that returns the signal that has arrived, `None` if none has.
    """
    arrived: list[signal.Signals] = []
    before = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN
    }

    def forget() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def arrive(number: int, _: object) -> None:
        arrived.append(signal.Signals(number))
        forget()

    for number in before:
        signal.signal(number, arrive)
    try:
        yield lambda: arrived[0] if arrived else None
    finally:
        forget()
