"""The model that answers: one that needs no key, or the one that `CHAT_MODEL` names."""

from __future__ import annotations

import asyncio
import os
import re
import textwrap
from collections.abc import AsyncIterator
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult


def chosen_model() -> BaseChatModel:
    """Return the model that `CHAT_MODEL` names, like `openai:gpt-5-mini`, or `MemoryModel`.

    A real one needs `pip install langchain langchain-openai`, or whatever else makes it, and
    its key where that package looks for it, in `OPENAI_API_KEY` for instance.
    """
    name = os.environ.get("CHAT_MODEL")
    if not name:
        return MemoryModel()
    from langchain.chat_models import init_chat_model  # noqa: PLC0415 - only for a real model

    model: BaseChatModel = init_chat_model(name)
    return model


class MemoryModel(BaseChatModel):
    """Tells what was said before, word by word: whoever forgets something is found out.

    Attributes:
        delay: How many seconds a word takes.
    """

    delay: float = 0.02

    @property
    def _llm_type(self) -> str:
        return "memory"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(
            generations=[ChatGeneration(message=AIMessage(content=_answer(messages)))]
        )

    # LangChain streams with this one wherever somebody listens, and so does the graph.
    async def _astream(
        self, messages: list[BaseMessage], *_: Any, **__: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for word in re.findall(r"\S+\s*", _answer(messages)):
            await asyncio.sleep(self.delay)
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))


def _answer(messages: list[BaseMessage]) -> str:
    texts = [str(message.text) for message in messages if isinstance(message, HumanMessage)]
    *before, last = texts
    told = ", ".join(f'"{textwrap.shorten(text, 40)}"' for text in before)
    return f'You say "{last}". Before that you said {told or "nothing"}.'
