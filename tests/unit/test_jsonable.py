"""The quick look at whether JSON and `jsonb` carry a value as it is."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from message_strategies import Colour, Text

from langgraph_dualstore.cold.jsonable import plain_text


class Level(enum.IntEnum):
    LOW = 1


@dataclass
class Point:
    x: int = 1


@pytest.mark.parametrize(
    "value",
    [
        "ẞ and 😀",
        "a (tuple?) of 1e5, -0.0 and $5",
        "\u02cb begins with the byte that announces a float",
        {"nested": [{"deep": [None, True, False, -1, 2**64 - 1, -(2**63)]}]},
        0.25,
        "",
    ],
)
def test_what_json_carries_has_its_text(value):
    assert json.loads(plain_text({"name": value}) or "null") == {"name": value}


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        Colour.RED,
        Level.LOW,
        Text("a"),
        Point(),
        UUID(int=1),
        datetime(2026, 1, 1, tzinfo=UTC),
        b"bytes",
        {1: "a number"},
        {"$tag": 1},
        "NUL \0",
        "surrogate \ud800",
        2**64,
        float("nan"),
        float("inf"),
        -0.0,
        1e300,
        1e-7,
    ],
    ids=repr,
)
def test_what_json_or_jsonb_would_change_has_none(value):
    assert plain_text({"name": value}) is None
    assert plain_text({"name": [value]}) is None
