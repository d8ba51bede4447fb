"""The recorded conversations that come with the package; see `data/README.md`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, NotRequired, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage


class RecordedCall(TypedDict):
    """A tool call as it was recorded."""

    id: str
    name: str
    args: dict[str, Any]


class Recorded(TypedDict):
    """A message as it was recorded; `role` is user, assistant or tool."""

    role: str
    content: str
    tool_calls: NotRequired[list[RecordedCall]]
    tool_call_id: NotRequired[str]
    name: NotRequired[str]


@dataclass(frozen=True)
class Dialog:
    """A recorded conversation."""

    id: str
    language: str
    messages: tuple[Recorded, ...]

    @cached_property
    def questions(self) -> list[str]:
        """What the user said, turn by turn."""
        return [message["content"] for message in self.messages if message["role"] == "user"]

    @cached_property
    def results(self) -> dict[str, ToolMessage]:
        """What the tools returned, by the id of the call."""
        return {
            message["tool_call_id"]: ToolMessage(
                message["content"], tool_call_id=message["tool_call_id"], name=message["name"]
            )
            for message in self.messages
            if message["role"] == "tool"
        }


def load_dialogs() -> list[Dialog]:
    """Return all conversations, in the order of the file."""
    text = (files("langgraph_dualstore") / "data" / "dialogs.jsonl").read_text(encoding="utf-8")
    return [
        Dialog(line["id"], line["language"], tuple(line["messages"]))
        for line in map(json.loads, text.splitlines())
    ]


def spread(dialogs: list[Dialog], count: int) -> list[Dialog]:
    """Return `count` of the conversations, spread evenly: the file is sorted by language."""
    return [dialogs[index * len(dialogs) // count] for index in range(count)]


def question_of(content: str) -> HumanMessage:
    """Return what an application passes in for what the user said."""
    return HumanMessage(content)


def answer_of(recorded: Recorded) -> AIMessage:
    """Return a recorded answer as a model returns it, tool calls included."""
    calls = recorded.get("tool_calls", [])
    return AIMessage(
        recorded["content"],
        tool_calls=[
            {"name": call["name"], "args": call["args"], "id": call["id"], "type": "tool_call"}
            for call in calls
        ],
    )


_ROLES = {"human": "user", "ai": "assistant", "tool": "tool"}


def role_of(message: AnyMessage) -> str:
    """Return the role that a message of a recorded conversation has."""
    return _ROLES[message.type]
