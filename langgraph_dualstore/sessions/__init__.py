"""Conversations of orchestrators that keep a small state beside a graph, or have none."""

from langgraph_dualstore.sessions.factory import create_conversation_store
from langgraph_dualstore.sessions.memory import InMemoryConversationStore
from langgraph_dualstore.sessions.redis import RedisConversationStore
from langgraph_dualstore.sessions.store import ConversationStore

__all__ = [
    "ConversationStore",
    "InMemoryConversationStore",
    "RedisConversationStore",
    "create_conversation_store",
]
