"""What people are told of threads, as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from langgraph_dualstore.infos import PurgeReport, Receipt, ThreadInfo


def as_document(info: ThreadInfo | Receipt | PurgeReport) -> dict[str, Any]:
    """Return what is told as an object: times are ISO texts in UTC, lengths of time seconds."""
    return {name: _told(value) for name, value in asdict(info).items()}


def print_line(document: dict[str, Any]) -> None:
    """Print an object as one line of JSON."""
    sys.stdout.write(json.dumps(document) + "\n")


def iso(at: datetime) -> str:
    """Return a time as an ISO text in UTC."""
    return at.astimezone(UTC).isoformat()


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    return value
