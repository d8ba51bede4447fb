"""What a store of conversations can do."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.settings import TTL

DEFAULT_TTL = 3600
"""Seconds that a session lives after it was saved."""


class ConversationStore(ABC):
    """Keeps small states of conversations by session id, for a while.

    A state is a dict. Orchestrators usually keep

        {
            "active_agent": "billing",
            "conversation_history": [{"role": "User", "content": "…"}, {"role": "Agent", …}],
            "agent_specific_state": {…},
            "last_interaction_timestamp": "2024-01-01T00:00:00+00:00",
        }

    in it, but any other fields pass, and none is required. It is kept as JSON: what is
    read equals what was saved, but tuples have become lists, times ISO texts and numpy's
    scalars numbers. Nothing is shared with what was saved or read before.

    A session id is any text but the empty one; `create_new_session_id` makes UUIDs. Any
    thread may call any method. Each method has an async twin, `aget_state` and so on,
    which runs it in a thread unless a store has something better.
    """

    @abstractmethod
    def get_state(self, session_id: str) -> dict[str, Any] | None:
        """Return a session's state, `None` if it is unknown or has expired.

        Raises:
            ConfigurationError: The id is no text, or empty.
            CorruptRecord: What is stored is not a state.
            HotStoreError: Redis refused or failed.
        """

    @abstractmethod
    def save_state(self, session_id: str, state: Mapping[str, Any]) -> None:
        """Save a session's state, whole, and give the session at least its TTL to live.

        Raises:
            UnserializableState: JSON cannot carry a value; the message names the field.
                Nothing is saved.
            ConfigurationError: The id is no text, or empty.
            HotStoreError: Redis refused or failed.
        """

    @abstractmethod
    def delete_state(self, session_id: str) -> bool:
        """Delete a session.

        Returns:
            Whether it was there.

        Raises:
            ConfigurationError: The id is no text, or empty.
            HotStoreError: Redis refused or failed.
        """

    @abstractmethod
    def extend_ttl(self, session_id: str, ttl: TTL = None) -> bool:
        """Give a session at least this long to live; never shortens its life.

        Args:
            session_id: The session.
            ttl: Seconds, or as in `Settings.ttl`; `None` for the store's.

        Returns:
            Whether it is there.

        Raises:
            ConfigurationError: The TTL is not valid, or the id is no text, or empty.
            HotStoreError: Redis refused or failed.
        """

    @abstractmethod
    def get_all_session_ids(self) -> list[str]:
        """Return the id of every session that has not expired, once each, in no order.

        Raises:
            HotStoreError: Redis refused or failed.
        """

    def create_new_session_id(self) -> str:
        """Return a new UUID. Nothing is stored until `save_state` is called with it."""
        return str(uuid4())

    def close(self) -> None:  # noqa: B027 - not every store has something to close
        """Close what is the store's own; `with` does it too."""

    async def aget_state(self, session_id: str) -> dict[str, Any] | None:
        """Async twin of `get_state`."""
        return await asyncio.to_thread(self.get_state, session_id)

    async def asave_state(self, session_id: str, state: Mapping[str, Any]) -> None:
        """Async twin of `save_state`."""
        await asyncio.to_thread(self.save_state, session_id, state)

    async def adelete_state(self, session_id: str) -> bool:
        """Async twin of `delete_state`."""
        return await asyncio.to_thread(self.delete_state, session_id)

    async def aextend_ttl(self, session_id: str, ttl: TTL = None) -> bool:
        """Async twin of `extend_ttl`."""
        return await asyncio.to_thread(self.extend_ttl, session_id, ttl)

    async def aget_all_session_ids(self) -> list[str]:
        """Async twin of `get_all_session_ids`."""
        return await asyncio.to_thread(self.get_all_session_ids)

    async def aclose(self) -> None:
        """Async twin of `close`."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def as_session_id(value: object) -> str:
    """Return a session id as text; a `UUID` is one too.

    Raises:
        ConfigurationError: It is something else, or empty: conversations that come without
            an id must not become one.
    """
    if isinstance(value, UUID):
        return str(value)
    if not isinstance(value, str) or not value:
        found = "an empty one" if isinstance(value, str) else type(value).__name__
        raise ConfigurationError(f"a session id must be a text, not {found}")
    return str.__str__(value)
