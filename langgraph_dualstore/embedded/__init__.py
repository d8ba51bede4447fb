"""Real servers from PyPI wheels, run as child processes with their data in one folder.

Each server keeps to a folder of its own under the one it is given: Valkey to `valkey/`,
PostgreSQL to `postgres/`.
"""

from __future__ import annotations

from langgraph_dualstore.embedded.postgres import EmbeddedPostgres, postgres_programs
from langgraph_dualstore.embedded.process import HOST, free_port, stop_with_parent
from langgraph_dualstore.embedded.valkey import EmbeddedValkey, answers, valkey_binary

__all__ = [
    "HOST",
    "EmbeddedPostgres",
    "EmbeddedValkey",
    "answers",
    "free_port",
    "postgres_programs",
    "stop_with_parent",
    "valkey_binary",
]
