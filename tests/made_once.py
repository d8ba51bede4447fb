"""What takes long to make, made by one of pytest-xdist's workers for all of them."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], dict[str, Any]]
) -> Any:
    """What `make` returns, which JSON can carry; it is given an empty folder."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = root / f"{name}.json"
        if not made.exists():
            made.write_text(json.dumps(make(factory.mktemp(name))), encoding="utf-8")
        return json.loads(made.read_text(encoding="utf-8"))
