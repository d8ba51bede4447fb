"""A LangGraph checkpointer on plain Redis."""

from langgraph_dualstore.errors import (
    ConfigurationError,
    CorruptRecord,
    DualStoreError,
    HotStoreError,
    HotStoreUnavailable,
    StoreError,
    UnserializableState,
)
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
    "ConfigurationError",
    "ConversationStore",
    "CorruptRecord",
    "DualStoreError",
    "DualStoreSaver",
    "HotStoreError",
    "HotStoreUnavailable",
    "InMemoryConversationStore",
    "RedisConversationStore",
    "Settings",
    "StoreError",
    "TTLConfig",
    "UnserializableState",
    "create_conversation_store",
]
