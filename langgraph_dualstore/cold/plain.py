"""Values as JSON that people can read, where an exact round trip is not needed."""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Any

_DEEPEST = 100


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON carries it, in its nearest form.

    Models and dataclasses become objects, sets and tuples arrays, times ISO texts, bytes
    base64 texts, numbers that are none `null`, and anything else its `str()`.
    """
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    return str(value) if depth >= _DEEPEST else _plain_container(value, depth + 1)


def _plain_container(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name), depth) for field in fields}
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(), depth)
    if hasattr(value, "tolist"):  # numpy's arrays and scalars
        return plain(value.tolist(), depth)
    if isinstance(value, Iterable) and hasattr(value, "__len__"):
        return [plain(item, depth) for item in value]
    return str(value)
