"""State documents, as tests look at them."""

from __future__ import annotations

import json
from typing import Any


def checked(document: Any) -> Any:
    """A document, once it has been seen to be JSON."""
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    return document
