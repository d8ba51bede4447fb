"""How a saver behaves: one frozen, validated object."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TypedDict

from langgraph_dualstore.errors import ConfigurationError


class TTLConfig(TypedDict, total=False):
    """The dict form of a TTL that other LangGraph Redis checkpointers use.

    Source: `langgraph-checkpoint-redis`, whose `default_ttl` is in minutes.
    """

    default_ttl: float | None
    refresh_on_read: bool


TTL = timedelta | float | TTLConfig | None
"""A time to live: a `timedelta`, seconds, the ecosystem's dict, or `None` for no expiry."""

_DEFAULT_TTL = timedelta(hours=24)
_MILLISECOND = timedelta(milliseconds=1)
_LONGEST_MS = timedelta(days=36_525) // _MILLISECOND


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be chosen about a saver.

    Args:
        prefix: What every key starts with. Two savers with different prefixes share
            nothing. No braces: they mark the cluster slot.
        ttl: How long a thread lives after its last write. A `timedelta`, a number of
            seconds, `{"default_ttl": minutes, "refresh_on_read": bool}`, or `None` for
            no expiry.
        refresh_on_read: Whether reading a thread gives it a full `ttl` again.
        keep_last: How many checkpoints each namespace keeps; `1` keeps the newest only,
            `None` keeps all. What delta channels are rebuilt from is kept besides.
        cache_bytes: How much of the threads' message logs this process remembers, so
            that it neither sends nor fetches again what did not change.
        max_connections: The size of the connection pool a saver opens for itself, one
            for the sync API and one for each event loop. A call that finds all of them
            busy waits for one, at most `timeout`.
        timeout: How long a saver that opens its own connections waits for Redis to
            connect or to answer.

    Raises:
        ConfigurationError: A value is of the wrong type or out of range.
    """

    prefix: str = "langgraph:state"
    ttl: TTL = _DEFAULT_TTL
    refresh_on_read: bool = False
    keep_last: int | None = None
    cache_bytes: int = 64 * 1024 * 1024
    max_connections: int = 64
    timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        if not isinstance(self.prefix, str) or not self.prefix or set("{}") & set(self.prefix):
            raise ConfigurationError("prefix must be a non-empty string without braces")
        if isinstance(self.ttl, dict):
            self._adopt_ttl_config(self.ttl)
        _require_whole("keep_last", self.keep_last, least=1, optional=True)
        _require_whole("cache_bytes", self.cache_bytes, least=0)
        _require_whole("max_connections", self.max_connections, least=1)
        if not isinstance(self.timeout, timedelta) or self.timeout <= timedelta(0):
            raise ConfigurationError("timeout must be a timedelta above zero")
        if not isinstance(self.refresh_on_read, bool):
            raise ConfigurationError("refresh_on_read must be True or False")
        _ = self.ttl_ms

    @cached_property
    def ttl_ms(self) -> int | None:
        """The TTL in milliseconds, `None` for no expiry."""
        return milliseconds(self.ttl)

    def _adopt_ttl_config(self, config: TTLConfig) -> None:
        object.__setattr__(self, "ttl", _ttl_in(config))
        if "refresh_on_read" in config:
            object.__setattr__(self, "refresh_on_read", config["refresh_on_read"])


def milliseconds(ttl: TTL) -> int | None:
    """Return a TTL in whole milliseconds, `None` for no expiry.

    Raises:
        ConfigurationError: It is no `timedelta` or number, not finite, or not above zero.
    """
    if ttl is None:
        return None
    if isinstance(ttl, dict):
        return milliseconds(_ttl_in(ttl))
    if isinstance(ttl, timedelta):
        whole = ttl // _MILLISECOND
    elif _is_number(ttl) and (isinstance(ttl, int) or math.isfinite(ttl)):
        whole = int(ttl * 1000)
    else:
        raise ConfigurationError(
            "ttl must be a timedelta, a finite number of seconds, "
            '{"default_ttl": minutes, "refresh_on_read": bool}, or None for no expiry'
        )
    if whole < 1:
        raise ConfigurationError("ttl must be above zero; use None for no expiry")
    if whole > _LONGEST_MS:
        raise ConfigurationError("ttl is longer than a century; use None for no expiry")
    return whole


def _ttl_in(config: TTLConfig) -> TTL:
    unknown = set(config) - {"default_ttl", "refresh_on_read"}
    if unknown:
        raise ConfigurationError(
            f"ttl has unknown keys {sorted(map(str, unknown))}; "
            "it takes default_ttl (minutes) and refresh_on_read"
        )
    if "default_ttl" not in config:
        return _DEFAULT_TTL
    minutes = config["default_ttl"]
    if minutes is not None and not _is_number(minutes):
        raise ConfigurationError("default_ttl must be a number of minutes or None")
    return None if minutes is None else minutes * 60


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require_whole(name: str, value: object, *, least: int, optional: bool = False) -> None:
    if optional and value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(f"{name} must be a whole number of at least {least}")
