"""Conversations in this process's memory."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from langgraph_dualstore.sessions.states import dump_state, load_state
from langgraph_dualstore.sessions.store import DEFAULT_TTL, ConversationStore, as_session_id
from langgraph_dualstore.settings import TTL, milliseconds

_FEW = 64  # expired sessions that are left to lie


class _Session(NamedTuple):
    state: bytes
    deadline: float


class InMemoryConversationStore(ConversationStore):
    """Keeps conversations in this process's memory, for development.

    They are lost when it ends, and no other process sees them.

    Args:
        ttl: How long a session lives after it was saved; seconds, or as in `Settings.ttl`.
            `None` for ever.
        clock: Tells the time in seconds; it must not go back.

    Raises:
        ConfigurationError: The TTL is not valid.
    """

    def __init__(
        self, *, ttl: TTL = DEFAULT_TTL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl = _seconds(ttl)
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._crowded = _FEW
        self._lock = threading.Lock()

    def get_state(self, session_id: str) -> dict[str, Any] | None:
        """Return a session's state, `None` if it is unknown or has expired."""
        session_id = as_session_id(session_id)
        with self._lock:
            session = self._living(session_id)
        return load_state(session.state, session_id) if session else None

    def save_state(self, session_id: str, state: Mapping[str, Any]) -> None:
        """Save a session's state and give the session at least its TTL to live."""
        session_id = as_session_id(session_id)
        raw = dump_state(state)
        with self._lock:
            session = self._living(session_id)
            earlier = session.deadline if session and self._ttl < math.inf else 0.0
            deadline = max(earlier, self._clock() + self._ttl)
            self._sessions[session_id] = _Session(raw, deadline)
            if len(self._sessions) > self._crowded:
                self._sweep()

    def delete_state(self, session_id: str) -> bool:
        """Delete a session and return whether it was there."""
        session_id = as_session_id(session_id)
        with self._lock:
            found = self._living(session_id) is not None
            self._sessions.pop(session_id, None)
        return found

    def extend_ttl(self, session_id: str, ttl: TTL = None) -> bool:
        """Give a session at least this long to live and return whether it is there."""
        session_id = as_session_id(session_id)
        seconds = self._ttl if ttl is None else _seconds(ttl)
        with self._lock:
            session = self._living(session_id)
            if session is None:
                return False
            deadline = max(session.deadline, self._clock() + seconds)
            self._sessions[session_id] = session._replace(deadline=deadline)
        return True

    def get_all_session_ids(self) -> list[str]:
        """Return the id of every session that has not expired."""
        with self._lock:
            self._sweep()
            return list(self._sessions)

    def _living(self, session_id: str) -> _Session | None:
        session = self._sessions.get(session_id)
        return session if session and session.deadline > self._clock() else None

    def _sweep(self) -> None:
        """Forget what has expired; nobody may ever ask for it again."""
        now = self._clock()
        self._sessions = {
            session_id: session
            for session_id, session in self._sessions.items()
            if session.deadline > now
        }
        self._crowded = 2 * len(self._sessions) + _FEW


def _seconds(ttl: TTL) -> float:
    whole = milliseconds(ttl)
    return math.inf if whole is None else whole / 1000
