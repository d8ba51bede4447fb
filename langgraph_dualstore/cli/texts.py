"""Texts that others wrote, made fit for a terminal: nothing in them moves its cursor."""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len

_ELLIPSIS = "\u2026"

# What such a sequence encloses, a window's title for instance, is left to be seen.
_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]")
_LINE_ENDS = re.compile(r"\r\n?")
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that have what follows them written from the other side."""


def readable(text: str) -> str:
    """Return a text of any number of lines without what a terminal would obey."""
    text = _ESCAPES.sub("", _LINE_ENDS.sub("\n", text))
    return "".join(char for char in text if char in "\n\t" or not _obeyed(char))


def visible(text: str) -> str:
    r"""Return a text as one line, in which what cannot be seen is spelled: `\n`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _spelled(char) for char in text)


def shortened(text: str, width: int) -> str:
    """Return a text that takes no more than so many cells: its middle gives way."""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(_ELLIPSIS)
    start = _within(text, room - room // 2)
    return f"{start}{_ELLIPSIS}{_within(text[::-1], room // 2)[::-1]}"


def _within(text: str, room: int) -> str:
    for at, char in enumerate(text):
        room -= cell_len(char)
        if room < 0:
            return text[:at]
    return text


def _obeyed(char: str) -> bool:
    return unicodedata.category(char) == "Cc" or char in _TURNING


def _spelled(char: str) -> str:
    return char.encode("unicode_escape").decode()
