"""The messages of a thread, as people read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from langgraph_dualstore.cold.facts import text_of

_ROLES = {"human": "user", "ai": "assistant"}
_CALLS = {"tool_use", "tool_call", "function_call", "input_json_delta"}
"""Content blocks that say once more what the message's `tool_calls` say."""


class Said(NamedTuple):
    """A message.

    Attributes:
        role: Who speaks.
        name: The speaker's name, or the tool's; `None` if it has none.
        channel: The state channel that holds it.
        turn: Its turn.
        at: When it was said, as an ISO text; `None` if that is not known.
        removed_at: When the graph removed it, if it did.
        lines: What was said, and which tools were called.
    """

    role: str
    name: str | None
    channel: str
    turn: int | None
    at: str | None
    removed_at: str | None
    lines: str


def said_in(exported: Sequence[Mapping[str, Any]]) -> Iterator[Said]:
    """Yield the messages of an export; if it has none, those of the state that it ends with.

    An archive that cannot be searched, or that keeps no transcript, tells of none.
    """
    rows = [line for line in exported if line["kind"] == "message"]
    for row in rows:
        yield _said(row["message"], row)
    if not rows and exported and exported[-1]["kind"] == "state":
        yield from said_now(exported[-1]["document"])


def said_now(document: Mapping[str, Any]) -> Iterator[Said]:
    """Yield the messages of a state document."""
    for message in document["messages"]:
        if isinstance(message, Mapping):
            yield _said(message, {})
        else:
            yield Said("?", None, "messages", None, None, None, str(message))


def _said(message: Mapping[str, Any], row: Mapping[str, Any]) -> Said:
    type_ = str(message.get("type", "?"))
    name = message.get("name")
    timestamp = row.get("created_at") or message.get("timestamp")
    return Said(
        role=row.get("role") or _ROLES.get(type_, type_),
        name=str(name) if name else None,
        channel=row.get("channel", "messages"),
        turn=row.get("turn", message.get("turn")),
        at=str(timestamp) if timestamp else None,
        removed_at=row.get("removed_at"),
        lines="\n".join(_lines(message)),
    )


def _lines(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    text = text_of(content)
    if text:
        yield text
    blocks = content if isinstance(content, list) else []
    kinds = [block.get("type", "?") for block in blocks if isinstance(block, Mapping)]
    others = [str(kind) for kind in kinds if kind != "text" and kind not in _CALLS]
    if others:
        yield " ".join(f"[{kind}]" for kind in others)
    for call in message.get("tool_calls") or ():
        yield f"calls {_call(call)}"
    for call in message.get("invalid_tool_calls") or ():
        yield f"calls, not as it should, {_call(call)}"


def _call(call: Any) -> str:
    if not isinstance(call, Mapping):
        return str(call)
    arguments = call.get("args")
    if isinstance(arguments, Mapping):
        each = (f"{key}={_json(value)}" for key, value in arguments.items())
        return f"{call.get('name')}({', '.join(each)})"
    return f"{call.get('name')}({_json(arguments)})"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
