"""Points in time as people write them: an ISO time, or how long ago it was."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import typer

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+)")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "min": "minutes", "s": "seconds"}
_FORMS = "an age like 90d, 12h, 30min or 45s, or an ISO time like 2024-05-31T12:00Z"


def moment(text: str) -> datetime:
    """Return the time that a text means; without a zone it is in UTC.

    Raises:
        typer.BadParameter: It means none; the message says what would.
    """
    text = text.strip()
    age = _AGE.fullmatch(text)
    if age:
        return _so_long_ago(text, age[1], age[2])
    if text.isdigit() and len(text) < len("20240531"):
        raise typer.BadParameter(f"{text} of what? {text}d are days, {text}h hours")
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time: it takes {_FORMS}") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _so_long_ago(text: str, number: str, unit: str) -> datetime:
    if unit not in _UNITS:
        raise typer.BadParameter(f"{unit!r} in {text!r} is none of {', '.join(_UNITS)}")
    try:
        return datetime.now(UTC) - timedelta(**{_UNITS[unit]: float(number)})
    except OverflowError as error:
        raise typer.BadParameter(f"{text!r} is longer ago than there are dates") from error
