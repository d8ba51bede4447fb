"""The errors this package raises.

    DualStoreError
    ├─ ConfigurationError (ValueError)   what was asked for cannot be done as asked
    ├─ SchemaMismatch                    PostgreSQL's tables are missing, or of another version
    ├─ CorruptRecord                     the store holds something it should not
    ├─ UnknownMessageType (ValueError)   a message is of no kind that a transcript knows
    ├─ UnserializableState (ValueError)  JSON cannot carry what a session's state holds
    └─ StoreError
       ├─ HotStoreError                  Redis refused or failed
       │  └─ HotStoreUnavailable         Redis could not be asked; asking again may help
       └─ ColdStoreError                 PostgreSQL, or another archive, refused or failed
          ├─ ArchiveRejected             it cannot take this thread, whoever asks and when
          └─ ColdStoreUnavailable        it could not be asked; asking again may help

Errors of the clients become these in one place, `_faults`, and keep the original as
their `__cause__`. Only `…Unavailable` is worth a retry.
"""

from __future__ import annotations


class DualStoreError(Exception):
    """Anything that this package raises on purpose."""


class ConfigurationError(DualStoreError, ValueError):
    """The saver was asked for something that cannot be: the message says what to change."""


class SchemaMismatch(DualStoreError):
    """PostgreSQL's tables are missing or of another version: the message says what mends it."""


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


class UnknownMessageType(DualStoreError, ValueError):
    """A message is of no kind that a transcript knows."""


class UnserializableState(DualStoreError, ValueError):
    """JSON cannot carry a session's state as it is; the message names the field.

    Attributes:
        field: Where it is, like `agent_specific_state.pending[2].handle`; `""` for the
            state itself.
    """

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class StoreError(DualStoreError):
    """A store refused or failed."""


class HotStoreError(StoreError):
    """Redis refused or failed a command; asking again will not help."""


class HotStoreUnavailable(HotStoreError):
    """Redis could not be asked: it is away, loading, failing over or too slow."""


class ColdStoreError(StoreError):
    """The archive refused or failed; asking again will not help."""


class ArchiveRejected(ColdStoreError):
    """The archive cannot take a thread as it is; others are not affected."""


class ColdStoreUnavailable(ColdStoreError):
    """The archive could not be asked: it is away, starting, overloaded or too slow."""
