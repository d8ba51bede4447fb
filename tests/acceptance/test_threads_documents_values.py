"""The state document is JSON, whatever the state holds."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from async_twins import opened
from documents import checked
from langchain_core.messages import HumanMessage
from pydantic import BaseModel
from raw_checkpoints import put

from langgraph_dualstore.operations.documents import document_of
from langgraph_dualstore.operations.states import State

TIME = "2024-01-01T00:00:00"


class Colour(Enum):
    RED = "red"


class Model(BaseModel):
    a: int
    b: list[Decimal]


@dataclass
class Point:
    x: float
    y: Any


class Strange:
    def __str__(self):
        raise ZeroDivisionError


VALUES = {
    "none": (None, None),
    "bytes": (b"\x00\xff", "AP8="),
    "set": ({1}, [1]),
    "tuple": ((1, (2,)), [1, [2]]),
    "nan": (float("nan"), None),
    "inf": (float("-inf"), None),
    "big": (2**63, 2**63),
    "surrogate": ("nul \x00 🎉", "nul \x00 🎉"),
    "when": (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00+00:00"),
    "uuid": (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "decimal": (Decimal("1.50"), "1.50"),
    "enum": (Colour.RED, "red"),
    "model": (Model(a=1, b=[Decimal(2)]), {"a": 1, "b": ["2"]}),
    "dataclass": (Point(1.5, {"deep": (1,)}), {"x": 1.5, "y": {"deep": [1]}}),
    "array": (np.arange(3), [0, 1, 2]),
    "keys": ({1: "one", None: "none"}, {"1": "one", "None": "none"}),
    "list of lists": ([[1], [{"a": b"b"}]], [[1], [{"a": "Yg=="}]]),
    "ünï": ("odd name", "odd name"),
}


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_any_value_is_made_json(redis_url, methods):
    with opened(redis_url, methods, allowed_msgpack_modules=[Colour, Model, Point]) as saver:
        put(getattr(saver, "saver", saver), 1, {name: given for name, (given, _) in VALUES.items()})
        document = checked(saver.state_document("thread"))
        assert {name: document[name] for name in VALUES} == {
            name: told for name, (_, told) in VALUES.items()
        }


def test_a_value_whose_code_fails_does_not_stop_the_rest():
    values = {"strange": Strange(), "fine": 1, "messages": [HumanMessage("x", odd=Strange())]}
    state = State({"ts": TIME}, {}, values, {}, datetime.now(UTC))
    document = checked(document_of("t", state, datetime.now(UTC)))
    assert document["fine"] == 1
    assert document["strange"].endswith(".Strange>")
    assert len(document["messages"]) == 1
