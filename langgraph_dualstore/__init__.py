"""A LangGraph checkpointer: live threads in plain Redis, finished ones in PostgreSQL."""

from langgraph_dualstore.archive import ArchiveHook
from langgraph_dualstore.errors import (
    ArchiveRejected,
    ColdStoreError,
    ColdStoreUnavailable,
    ConfigurationError,
    CorruptRecord,
    DualStoreError,
    HotStoreError,
    HotStoreUnavailable,
    SchemaMismatch,
    StoreError,
    UnknownMessageType,
    UnserializableState,
)
from langgraph_dualstore.infos import PurgeReport, Receipt, ThreadDetails, ThreadInfo, ThreadPage
from langgraph_dualstore.saver import DualStoreSaver
from langgraph_dualstore.sessions import (
    ConversationStore,
    InMemoryConversationStore,
    RedisConversationStore,
    create_conversation_store,
)
from langgraph_dualstore.settings import TTL, Settings, TTLConfig

__all__ = [
    "TTL",
    "ArchiveHook",
    "ArchiveRejected",
    "ColdStoreError",
    "ColdStoreUnavailable",
    "ConfigurationError",
    "ConversationStore",
    "CorruptRecord",
    "DualStoreError",
    "DualStoreSaver",
    "HotStoreError",
    "HotStoreUnavailable",
    "InMemoryConversationStore",
    "PurgeReport",
    "Receipt",
    "RedisConversationStore",
    "SchemaMismatch",
    "Settings",
    "StoreError",
    "TTLConfig",
    "ThreadDetails",
    "ThreadInfo",
    "ThreadPage",
    "UnknownMessageType",
    "UnserializableState",
    "create_conversation_store",
]
