"""How a saver behaves: one frozen, validated object."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal, TypedDict, get_args

from langgraph.checkpoint.base import CheckpointTuple

from langgraph_dualstore.archive import MessageRow
from langgraph_dualstore.errors import ConfigurationError


class TTLConfig(TypedDict, total=False):
    """The dict form of a TTL that other LangGraph Redis checkpointers use.

    Source: `langgraph-checkpoint-redis`, whose `default_ttl` is in minutes.
    """

    default_ttl: float | None
    refresh_on_read: bool


TTL = timedelta | float | TTLConfig | None
"""A time to live: a `timedelta`, seconds, the ecosystem's dict, or `None` for no expiry."""

ArchiveOn = Literal["finish", "checkpoint", "manual", "inline"]
"""When a thread is archived; see `Settings.archive_on`."""

_DEFAULT_TTL = timedelta(hours=24)
_IDLE_SHARE = 0.75  # of the TTL, after which a thread that was left alone is archived
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
        archive_on: `"finish"` archives a thread when a run of it has finished,
            `"checkpoint"` also while it runs, at every checkpoint, `"inline"` lets the
            finishing put wait until it is archived, `"manual"` leaves it to
            `archive_thread`. But for `"manual"`, a thread on which nothing happens is
            archived as it stands when three quarters of its TTL are over.
        archive_delay: How long after a run has finished its thread is archived. Runs that
            follow each other at once are then archived together.
        archive_history: `"newest"` archives the newest checkpoint of each namespace with
            what is rebuilt from others, `"all"` every checkpoint. The transcript is whole
            either way.
        archive_lease: How long a worker may take for the threads it has taken on; then
            another one takes over.
        archive_attempts: How often a thread that cannot be archived is tried before it is
            set aside. Tries while the archive is away do not count.
        run_archiver: Whether this process archives. If not, run `langgraph-dualstore
            worker` beside it, or another saver on the same Redis and prefix.
        drain_timeout: How long `close()` goes on archiving what is due.
        is_finished: Tells from a root checkpoint, as it is put, whether nothing is left to
            run; `None` for LangGraph's own rules.
        transcript: Whether messages are archived as rows that can be read. `None`: unless
            the serializer encrypts.
        redact: Called with each row before it is written; returns the row to write
            instead, or `None` for none.
        count_tokens: Counts a message's tokens where its `usage_metadata` does not tell.
        attribute_channels: State channels whose values are archived as attributes of the
            session.
        restore: Whether a thread that is not in Redis is looked for in the archive.
        on_cold_error: What a thread is when the archive cannot be asked for it: an error,
            `"raise"`, or a new thread, `"ignore"`, which may then be archived over the one
            that was not found.
        delete_scope: `"both"` deletes a thread from the archive too; `"hot"` keeps its
            transcript there, and nothing that it could be restored from.

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
    archive_on: ArchiveOn = "finish"
    archive_delay: timedelta = timedelta(milliseconds=250)
    archive_history: Literal["newest", "all"] = "newest"
    archive_lease: timedelta = timedelta(seconds=60)
    archive_attempts: int = 5
    run_archiver: bool = True
    drain_timeout: timedelta = timedelta(seconds=10)
    is_finished: Callable[[CheckpointTuple], bool] | None = None
    transcript: bool | None = None
    redact: Callable[[MessageRow], MessageRow | None] | None = None
    count_tokens: Callable[[Any], int] | None = None
    attribute_channels: tuple[str, ...] = ()
    restore: bool = True
    on_cold_error: Literal["raise", "ignore"] = "raise"
    delete_scope: Literal["both", "hot"] = "both"

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
        for name in ("refresh_on_read", "run_archiver", "restore"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(f"{name} must be True or False")
        self._check_archive()
        _ = self.ttl_ms

    def _check_archive(self) -> None:
        _require_one_of("archive_on", self.archive_on, *get_args(ArchiveOn))
        _require_one_of("archive_history", self.archive_history, "newest", "all")
        _require_one_of("on_cold_error", self.on_cold_error, "raise", "ignore")
        _require_one_of("delete_scope", self.delete_scope, "both", "hot")
        _require_whole("archive_attempts", self.archive_attempts, least=1)
        for name in ("archive_delay", "archive_lease", "drain_timeout"):
            value = getattr(self, name)
            least = timedelta(seconds=1) if name == "archive_lease" else timedelta(0)
            if not isinstance(value, timedelta) or value < least:
                raise ConfigurationError(f"{name} must be a timedelta of at least {least}")
        for name in ("is_finished", "redact", "count_tokens"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise ConfigurationError(f"{name} must be callable")
        if self.transcript is not None and not isinstance(self.transcript, bool):
            raise ConfigurationError("transcript must be True, False or None")
        channels: Any = self.attribute_channels
        if (
            isinstance(channels, str)
            or not isinstance(channels, Collection)
            or not all(isinstance(name, str) for name in channels)
        ):
            raise ConfigurationError("attribute_channels must be a sequence of names")
        object.__setattr__(self, "attribute_channels", tuple(channels))

    @cached_property
    def ttl_ms(self) -> int | None:
        """The TTL in milliseconds, `None` for no expiry."""
        return milliseconds(self.ttl)

    @cached_property
    def idle_ms(self) -> int:
        """After how many milliseconds a thread on which nothing happens is archived."""
        return int((self.ttl_ms or _DEFAULT_TTL // _MILLISECOND) * _IDLE_SHARE)

    @cached_property
    def margin_ms(self) -> int:
        """How many milliseconds are left of the TTL when an idle thread is archived."""
        return max(0, (self.ttl_ms or self.idle_ms) - self.idle_ms)

    @cached_property
    def delay_ms(self) -> int:
        """`archive_delay` in milliseconds."""
        return self.archive_delay // _MILLISECOND

    @cached_property
    def lease_ms(self) -> int:
        """`archive_lease` in milliseconds."""
        return self.archive_lease // _MILLISECOND

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


def _require_one_of(name: str, value: object, *choices: str) -> None:
    if value not in choices:
        raise ConfigurationError(f"{name} must be one of {', '.join(map(repr, choices))}")
