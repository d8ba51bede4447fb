"""The saver that the environment asks for."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, TypeVar

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.base import SerializerProtocol

from langgraph_dualstore.environment import (
    postgres_dsn_from_env,
    redis_url_from_env,
    seconds_from_env,
)
from langgraph_dualstore.errors import ConfigurationError, HotStoreUnavailable
from langgraph_dualstore.settings import Settings

_logger = logging.getLogger(__name__)

_DEFAULT_URL = "redis://localhost:6379/0"


class _Asked(Protocol):
    """What is needed of a saver to tell whether its Redis answers."""

    serde: SerializerProtocol

    def ttl_of(self, thread_id: str) -> timedelta | None: ...

    def close(self) -> None: ...


_Saver = TypeVar("_Saver", bound=_Asked)


def servers_of(environ: Mapping[str, str] | None, *, archived: bool) -> tuple[str, str | None]:
    """Return the URL of Redis, localhost's if no variable has one, and PostgreSQL's DSN.

    Args:
        environ: The variables, `None` for those of the process.
        archived: Whether PostgreSQL is wanted.

    Raises:
        ConfigurationError: A variable is not valid; the message names it.
    """
    environ = _variables(environ)
    dsn = postgres_dsn_from_env(environ) if archived else None
    return redis_url_from_env(environ) or _DEFAULT_URL, dsn


def with_ttl(settings: Settings, environ: Mapping[str, str] | None) -> Settings:
    """Return settings with the TTL of `CHECKPOINT_TTL_SECONDS`, unless they have one.

    Raises:
        ConfigurationError: The variable is not valid; the message names it.
    """
    if settings.ttl != Settings().ttl:
        return settings
    ttl = seconds_from_env(_variables(environ), "CHECKPOINT_TTL_SECONDS")
    return settings if ttl is None else replace(settings, ttl=ttl)


def require_fallback(fallback: str | None) -> None:
    """Refuse a fallback that there is not.

    Raises:
        ConfigurationError: It is neither `"memory"` nor `None`.
    """
    if fallback not in (None, "memory"):
        raise ConfigurationError('fallback must be "memory" or None')


def or_memory(saver: _Saver) -> _Saver | InMemorySaver:
    """Return the saver if its Redis answers, or else LangGraph's own, in memory.

    Raises:
        HotStoreError: Redis answers, and refuses.
    """
    with ExitStack() as unless_it_answers:
        unless_it_answers.callback(saver.close)
        try:
            saver.ttl_of(uuid.uuid4().hex)  # any question does that Redis alone answers
        except HotStoreUnavailable as unavailable:
            _logger.warning(
                "threads are kept in the memory of this process alone, and lost with it: %s",
                unavailable,
            )
            return InMemorySaver(serde=saver.serde)
        unless_it_answers.pop_all()
    return saver


def _variables(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environ is None else environ
