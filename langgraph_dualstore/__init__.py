"""A LangGraph checkpointer on plain Redis."""

from langgraph_dualstore.errors import (
    ConfigurationError,
    CorruptRecord,
    DualStoreError,
    HotStoreError,
    HotStoreUnavailable,
    StoreError,
)
from langgraph_dualstore.saver import DualStoreSaver
from langgraph_dualstore.settings import TTL, Settings, TTLConfig

__all__ = [
    "TTL",
    "ConfigurationError",
    "CorruptRecord",
    "DualStoreError",
    "DualStoreSaver",
    "HotStoreError",
    "HotStoreUnavailable",
    "Settings",
    "StoreError",
    "TTLConfig",
]
