"""The errors this package raises.

    DualStoreError
    ├─ ConfigurationError (ValueError)   what was asked for cannot be done as asked
    ├─ CorruptRecord                     the store holds something it should not
    └─ StoreError
       └─ HotStoreError                  Redis refused or failed
          └─ HotStoreUnavailable         Redis could not be asked; asking again may help

Errors of the Redis client become these in one place, `_faults`, and keep the
original as their `__cause__`. Only `HotStoreUnavailable` is worth a retry.
"""

from __future__ import annotations


class DualStoreError(Exception):
    """Anything that this package raises on purpose."""


class ConfigurationError(DualStoreError, ValueError):
    """The saver was asked for something that cannot be: the message says what to change."""


class CorruptRecord(DualStoreError):
    """A stored record cannot be read back.

    Attributes:
        thread_id: The thread it belongs to.
        checkpoint_id: The checkpoint it belongs to, `""` when that is not known.
    """

    def __init__(self, message: str, *, thread_id: str, checkpoint_id: str = "") -> None:
        super().__init__(message)
        self.thread_id = thread_id
        self.checkpoint_id = checkpoint_id


class StoreError(DualStoreError):
    """A store refused or failed."""


class HotStoreError(StoreError):
    """Redis refused or failed a command; asking again will not help."""


class HotStoreUnavailable(HotStoreError):
    """Redis could not be asked: it is away, loading, failing over or too slow."""
