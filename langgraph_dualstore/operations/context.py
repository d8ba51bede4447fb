"""What every operation is given, and how it reads a config."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from langchain_core.runnables import RunnableConfig

from langgraph_dualstore._steps import Argument, Due
from langgraph_dualstore.counters import Counters
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.hot.keys import (
    ThreadKeys,
    as_thread_id,
    encode_part,
    encode_text,
    queue_of,
    thread_keys,
)
from langgraph_dualstore.hot.memory import Memory
from langgraph_dualstore.serialization import Codecs
from langgraph_dualstore.settings import Settings


class Archiving(NamedTuple):
    """That there is an archive.

    Attributes:
        transcript: Whether messages are archived as rows.
        notice: Called with `soon=` when a thread was queued: to be archived soon or not.
        searchable: Whether it is a `SearchableArchive`.
        reports: Whether it has a method that tells how it is doing.
    """

    transcript: bool
    notice: Callable[..., None]
    searchable: bool = False
    reports: bool = False


class Context(NamedTuple):
    """What every operation is given; `archiving` is `None` if there is no archive."""

    settings: Settings
    codecs: Codecs
    memory: Memory
    counters: Counters
    archiving: Archiving | None = None

    @property
    def ttl(self) -> int | str:
        """The TTL as scripts take it."""
        return "" if self.settings.ttl_ms is None else self.settings.ttl_ms

    def keys(self, thread_id: str) -> ThreadKeys:
        """Return a thread's keys."""
        return thread_keys(self.settings.prefix, thread_id)

    def due(self, thread_id: str, *, soon: bool = False) -> Due | None:
        """Return that a thread which is written to is to be archived, `None` if it is not."""
        settings = self.settings
        if self.archiving is None or settings.archive_on == "manual":
            return None
        wait = settings.delay_ms if soon else settings.idle_ms
        return Due(queue_of(settings.prefix, thread_id).due, wait, encode_text(thread_id))


def due_arguments(due: Due | None) -> tuple[Argument, Argument]:
    """Return what scripts are told of it: in how many milliseconds, and the thread."""
    return ("", "") if due is None else (due.wait, due.thread)


class Target(NamedTuple):
    """What a config points at.

    Attributes:
        thread_id: The thread, as a string.
        namespace: The checkpoint namespace, `""` for the root graph's.
        checkpoint_id: The checkpoint, `None` for the newest.
        space: The namespace, encoded.
    """

    thread_id: str
    namespace: str
    checkpoint_id: str | None
    space: bytes

    def address(self, checkpoint_id: str) -> bytes:
        """Return the address of a checkpoint in this namespace."""
        return self.space + encode_part(checkpoint_id)

    def config(self, checkpoint_id: str) -> RunnableConfig:
        """Return the config that points at a checkpoint in this namespace."""
        return config_of(self.thread_id, self.namespace, checkpoint_id)


def config_of(thread_id: str, namespace: str, checkpoint_id: str) -> RunnableConfig:
    """Return the config that points at a checkpoint."""
    return {
        "configurable": {
            "thread_id": thread_id,
            "checkpoint_ns": namespace,
            "checkpoint_id": checkpoint_id,
        }
    }


def target_of(config: RunnableConfig) -> Target:
    """Return what a config points at; an empty checkpoint id means the newest.

    Raises:
        ConfigurationError: There is no thread id, or it is no name.
    """
    configurable = config.get("configurable") if isinstance(config, dict) else None
    if not isinstance(configurable, dict) or "thread_id" not in configurable:
        raise ConfigurationError("config['configurable']['thread_id'] is missing")
    checkpoint_id = configurable.get("checkpoint_id") or None
    namespace = as_text("checkpoint_ns", configurable.get("checkpoint_ns") or "")
    return Target(
        as_thread_id(configurable["thread_id"]),
        namespace,
        None if checkpoint_id is None else as_text("checkpoint_id", checkpoint_id),
        encode_part(namespace),
    )


def as_text(name: str, value: object) -> str:
    """Return a name that the caller gave, as a string.

    Raises:
        ConfigurationError: It is neither a string nor a UUID.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, UUID):
        return str(value)
    raise ConfigurationError(f"{name} must be a string, not {type(value).__name__}")


def as_names(name: str, values: object) -> list[Any]:
    """Return a sequence of names that the caller gave.

    Raises:
        ConfigurationError: It is a single string, or no sequence.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{name} must be a sequence of strings")
    return list(values)


# Seeded by the system; a child process must not go on with its parent's numbers.
_random = random.Random()
os.register_at_fork(after_in_child=_random.seed)


def new_generation() -> str:
    """Return a name for a new log."""
    return f"{_random.getrandbits(32):08x}"


def new_stamp() -> str:
    """Return a mark that no other put has, in this process or another."""
    return f"{_random.getrandbits(64):016x}"
