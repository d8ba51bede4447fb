"""Quantities as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
_KILO = 1024


def span(length: timedelta) -> str:
    """Return a length of time in its largest unit, like `23 h` or `4.2 s`."""
    seconds = length.total_seconds()
    for unit, name in _UNITS:
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"


def ago(moment: datetime | None) -> str:
    """Return how long ago something was, `-` if that is not known."""
    if moment is None:
        return "-"
    passed = (datetime.now(UTC) - moment) // timedelta(seconds=1)
    return f"{span(timedelta(seconds=max(0, passed)))} ago"


def at_utc(moment: datetime) -> str:
    """Return a time to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def size(count: int) -> str:
    """Return a number of bytes in its largest unit, like `3.1 MB`."""
    number = float(count)
    for unit in ("B", "kB", "MB"):
        if number < _KILO:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= _KILO
    return f"{number:.1f} GB"


def counted(count: int, noun: str) -> str:
    """Return a number of things, like `1 thread` or `2,000 threads`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(things: Sequence[str]) -> str:
    """Return things in a row, like `1 thread, 2 messages and 3 turns`."""
    *first, last = things
    return f"{', '.join(first)} and {last}" if first else last
