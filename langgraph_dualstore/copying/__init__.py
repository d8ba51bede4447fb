"""Copying threads from any other checkpointer into this one: complete, verified, resumable.

The command is `langgraph-dualstore copy`; what it is for: docs/migration.md.
"""

from langgraph_dualstore.copying.copies import Copy, Outcome
from langgraph_dualstore.copying.sources import afind_thread_ids, find_thread_ids
from langgraph_dualstore.copying.threads import acopy_threads, copy_threads

__all__ = [
    "Copy",
    "Outcome",
    "acopy_threads",
    "afind_thread_ids",
    "copy_threads",
    "find_thread_ids",
]
