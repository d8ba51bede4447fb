"""The store of conversations that the environment asks for."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from langgraph_dualstore.environment import (
    flag_from_env,
    redis_url_from_env,
    seconds_from_env,
)
from langgraph_dualstore.errors import HotStoreUnavailable, StoreError
from langgraph_dualstore.sessions.memory import InMemoryConversationStore
from langgraph_dualstore.sessions.redis import RedisConversationStore
from langgraph_dualstore.sessions.store import DEFAULT_TTL, ConversationStore

_logger = logging.getLogger(__name__)

_DEFAULT_URL = "redis://localhost:6379/0"


def create_conversation_store(environ: Mapping[str, str] | None = None) -> ConversationStore:
    """Return the store that the environment asks for.

    - `USE_REDIS_SESSION`: 1, true, yes or on for Redis; 0, false, no, off or unset for
      this process's memory.
    - `REDIS_URL`, or LangGraph server's `REDIS_URI`, or else `REDIS_HOST` (localhost),
      `REDIS_PORT` (6379), `REDIS_PASSWORD`, `REDIS_DB` (0), `REDIS_SSL` (off).
    - `SESSION_TTL`: seconds that a session lives after it was saved; 3600 if unset.

    If Redis cannot be reached, a warning is logged and the store is in memory, as long as
    it lives. A Redis that refuses, a wrong password for one, is an error.

    Args:
        environ: The variables, `None` for those of the process.

    Raises:
        ConfigurationError: A variable is not valid; the message names it.
        HotStoreError: Redis refused.
    """
    environ = os.environ if environ is None else environ
    ttl = seconds_from_env(environ, "SESSION_TTL") or DEFAULT_TTL
    if not flag_from_env(environ, "USE_REDIS_SESSION"):
        return InMemoryConversationStore(ttl=ttl)
    url = redis_url_from_env(environ) or _DEFAULT_URL
    store = RedisConversationStore.from_conn_string(url, ttl=ttl)
    try:
        store.get_state(store.create_new_session_id())  # any question does: who answers?
    except HotStoreUnavailable as unavailable:
        store.close()
        _logger.warning(
            "sessions are kept in the memory of this process alone, and lost with it: %s",
            unavailable,
        )
        return InMemoryConversationStore(ttl=ttl)
    except StoreError:
        store.close()
        raise
    return store
