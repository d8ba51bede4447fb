"""A JSON object that is written once and read only if someone looks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any


class JsonObject(Mapping[str, Any]):
    """A JSON object, not to be changed; `dict` of it is what `json.dumps` takes.

    Most of what is archived goes from here to a column without being looked at.

    Args:
        text: Spells it.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _read(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.text)
        return read

    def __getitem__(self, name: str) -> Any:
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)

    def __repr__(self) -> str:
        return repr(self._read)
