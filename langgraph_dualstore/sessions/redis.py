"""Conversations in Redis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Self

from langgraph_dualstore import connections
from langgraph_dualstore._steps import Operation, RunScript
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.hot.keys import as_bytes, escape, unescape
from langgraph_dualstore.operations.find import find_names
from langgraph_dualstore.sessions.scripts import DELETE, EXTEND, READ, WRITE
from langgraph_dualstore.sessions.states import dump_state, load_state
from langgraph_dualstore.sessions.store import DEFAULT_TTL, ConversationStore, as_session_id
from langgraph_dualstore.settings import TTL, Settings, milliseconds

_PREFIX = "session:"


class RedisConversationStore(ConversationStore):
    """Keeps conversations in Redis, where every process finds them.

    A session is one string, JSON, under `session:<id>`. Control characters, the percent
    sign, braces and what is not ASCII are percent-encoded in the key.

    Args:
        *clients: A blocking client (`redis.Redis`, `redis.RedisCluster`, a Sentinel's
            master), an asyncio client, or one of each. They stay the caller's to close.
            With an asyncio client alone there are the async methods alone.
        ttl: How long a session lives after it was saved; seconds, or as in `Settings.ttl`.
            `None` for ever.

    Raises:
        ConfigurationError: A client or the TTL is not valid.
    """

    def __init__(self, *clients: Any, ttl: TTL = DEFAULT_TTL) -> None:
        for client in clients:
            if not isinstance(client, connections.Connections) and not _is_client(client):
                raise ConfigurationError(
                    f"a conversation store takes Redis clients, not {type(client).__name__}; "
                    "use RedisConversationStore.from_conn_string(url) for a URL"
                )
        self._ttl = _argument(ttl)
        self._connections = connections.from_clients(clients)

    @classmethod
    def from_conn_string(
        cls,
        redis_url: str,
        *,
        ttl: TTL = DEFAULT_TTL,
        timeout: timedelta = Settings.timeout,
    ) -> Self:
        """Return a store with connections of its own; `with` or `async with` closes them.

        None is opened before it is needed.

        Args:
            redis_url: As for `DualStoreSaver.from_conn_string`.
            ttl: As for the class.
            timeout: How long to wait for Redis to connect or to answer.

        Raises:
            ConfigurationError: The URL, the TTL or the timeout is not valid.
        """
        return cls(connections.from_url(redis_url, Settings(timeout=timeout)), ttl=ttl)

    def get_state(self, session_id: str) -> dict[str, Any] | None:
        """Return a session's state, `None` if it is unknown or has expired."""
        return self._connections.run(_read(session_id))

    async def aget_state(self, session_id: str) -> dict[str, Any] | None:
        """Async twin of `get_state`."""
        return await self._connections.arun(_read(session_id))

    def save_state(self, session_id: str, state: Mapping[str, Any]) -> None:
        """Save a session's state and give the session at least its TTL to live."""
        self._connections.run(_write(session_id, state, self._ttl))

    async def asave_state(self, session_id: str, state: Mapping[str, Any]) -> None:
        """Async twin of `save_state`."""
        await self._connections.arun(_write(session_id, state, self._ttl))

    def delete_state(self, session_id: str) -> bool:
        """Delete a session and return whether it was there."""
        return self._connections.run(_delete(session_id))

    async def adelete_state(self, session_id: str) -> bool:
        """Async twin of `delete_state`."""
        return await self._connections.arun(_delete(session_id))

    def extend_ttl(self, session_id: str, ttl: TTL = None) -> bool:
        """Give a session at least this long to live and return whether it is there."""
        return self._connections.run(_extend(session_id, self._or_own(ttl)))

    async def aextend_ttl(self, session_id: str, ttl: TTL = None) -> bool:
        """Async twin of `extend_ttl`."""
        return await self._connections.arun(_extend(session_id, self._or_own(ttl)))

    def get_all_session_ids(self) -> list[str]:
        """Return the id of every session that has not expired, by scanning the keys."""
        return self._connections.run(_find())

    async def aget_all_session_ids(self) -> list[str]:
        """Async twin of `get_all_session_ids`."""
        return await self._connections.arun(_find())

    def close(self) -> None:
        """Close the connections, but for given clients and other event loops' ones."""
        self._connections.close()

    async def aclose(self) -> None:
        """Close the connections, the running loop's included, but for given clients."""
        await self._connections.aclose()

    def _or_own(self, ttl: TTL) -> int | str:
        return self._ttl if ttl is None else _argument(ttl)


def _is_client(client: object) -> bool:
    return hasattr(client, "execute_command") and not isinstance(client, type)


def _read(session_id: str) -> Operation[dict[str, Any] | None]:
    session_id = as_session_id(session_id)
    raw = yield RunScript(READ, (_key(session_id),))
    return None if raw is None else load_state(raw, session_id)


def _write(session_id: str, state: Mapping[str, Any], ttl: int | str) -> Operation[None]:
    key = _key(as_session_id(session_id))
    yield RunScript(WRITE, (key,), (dump_state(state), ttl))


def _delete(session_id: str) -> Operation[bool]:
    reply = yield RunScript(DELETE, (_key(as_session_id(session_id)),))
    return bool(reply)


def _extend(session_id: str, ttl: int | str) -> Operation[bool]:
    reply = yield RunScript(EXTEND, (_key(as_session_id(session_id)),), (ttl,))
    return bool(reply)


def _find() -> Operation[list[str]]:
    """Scan the keys: no key lists the sessions, one that expired would stay on the list."""
    return find_names(f"{_PREFIX}?*".encode(), _session_ids_of)


def _argument(ttl: TTL) -> int | str:
    """Return a TTL as the scripts take it: milliseconds, or nothing for no expiry."""
    return milliseconds(ttl) or ""


def _key(session_id: str) -> bytes:
    return _PREFIX.encode() + escape(session_id).encode()


def _session_ids_of(keys: Iterable[bytes | str]) -> Iterator[str]:
    """Yield whose keys these are; some are nobody's, for `session:` is a common prefix."""
    for key in keys:
        raw = as_bytes(key)
        session_id = unescape(raw[len(_PREFIX) :])
        if session_id is not None and _key(session_id) == raw:
            yield session_id
