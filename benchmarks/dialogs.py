"""Recorded conversations as LangChain messages, shaped as chat models return them."""

from __future__ import annotations

import json
import random
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

RECORDED = files("langgraph_dualstore") / "data" / "dialogs.jsonl"

Turn = list[dict[str, Any]]


@cache
def recorded_turns() -> list[Turn]:
    """Every complete turn: a user's message, tool calls and results, the answer in words.

    English and Chinese conversations alternate in an order that is the same in every run.
    """
    dialogs = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
    random.Random(2).shuffle(dialogs)
    turns: list[Turn] = []
    for dialog in dialogs:
        turn: Turn = []
        for message in dialog["messages"]:
            if message["role"] == "user":
                turn = []
            turn.append(message)
            answered = message["role"] == "assistant" and not message.get("tool_calls")
            if answered and turn[0]["role"] == "user":
                turns.append(turn)
                turn = []
    return turns


@cache
def recorded_answers() -> dict[str, str]:
    """What was answered to each user's message."""
    return {turn[0]["content"]: turn[-1]["content"] for turn in recorded_turns()}


def question(number: int) -> HumanMessage:
    """A user's message as an application passes it in: without an id, the graph gives it one."""
    turns = recorded_turns()
    return HumanMessage(turns[number % len(turns)][0]["content"])


def answer(user_text: str) -> AIMessage:
    """The recorded answer to a user's message."""
    return _assistant({"content": recorded_answers()[user_text]})


def history(length: int, seed: int) -> list[AnyMessage]:
    """A conversation of exactly ``length`` messages (an even number), ending with an answer."""
    turns = recorded_turns()
    messages: list[AnyMessage] = []
    number = seed * 17
    while len(messages) < length:
        turn = turns[number % len(turns)]
        number += 1
        if len(messages) + len(turn) <= length:
            messages += [_message(recorded) for recorded in turn]
    return messages


def _message(recorded: dict[str, Any]) -> AnyMessage:
    if recorded["role"] == "user":
        return HumanMessage(recorded["content"], id=str(uuid4()))
    if recorded["role"] == "tool":
        return ToolMessage(
            recorded["content"],
            tool_call_id=recorded["tool_call_id"],
            name=recorded["name"],
            id=str(uuid4()),
        )
    return _assistant(recorded)


def _assistant(recorded: dict[str, Any]) -> AIMessage:
    """As ``langchain-openai`` returns it: about 1 kB with what it says of the call."""
    calls = recorded.get("tool_calls", [])
    prompt, completion = 412, len(recorded["content"]) // 4 + 20 * len(calls) + 1
    return AIMessage(
        recorded["content"],
        tool_calls=[{**call, "type": "tool_call"} for call in calls],
        id=f"lc_run--{uuid4()}-0",
        additional_kwargs={"refusal": None},
        response_metadata={
            "token_usage": {
                "completion_tokens": completion,
                "prompt_tokens": prompt,
                "total_tokens": prompt + completion,
                "completion_tokens_details": {
                    "accepted_prediction_tokens": 0,
                    "audio_tokens": 0,
                    "reasoning_tokens": 0,
                    "rejected_prediction_tokens": 0,
                },
                "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0},
            },
            "model_provider": "openai",
            "model_name": "gpt-4.1-mini-2025-04-14",
            "system_fingerprint": "fp_3502f4eb73",
            "id": f"chatcmpl-{uuid4().hex[:29]}",
            "service_tier": "default",
            "finish_reason": "tool_calls" if calls else "stop",
            "logprobs": None,
        },
        usage_metadata={
            "input_tokens": prompt,
            "output_tokens": completion,
            "total_tokens": prompt + completion,
            "input_token_details": {"audio": 0, "cache_read": 0},
            "output_token_details": {"audio": 0, "reasoning": 0},
        },
    )
