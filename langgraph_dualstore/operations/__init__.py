"""What the saver does, written once: each operation is a generator of steps (`_steps`)."""

from langgraph_dualstore.operations.archive import archive_now
from langgraph_dualstore.operations.copy import copy_thread
from langgraph_dualstore.operations.delete import delete_for_runs, delete_thread
from langgraph_dualstore.operations.expiry import extend_ttl, pin, ttl_of, unpin
from langgraph_dualstore.operations.history import get_delta_channel_history
from langgraph_dualstore.operations.list import Listing
from langgraph_dualstore.operations.prune import prune
from langgraph_dualstore.operations.put import put
from langgraph_dualstore.operations.queue import look, revive
from langgraph_dualstore.operations.read import get_tuple
from langgraph_dualstore.operations.restore import restore_thread
from langgraph_dualstore.operations.writes import put_writes

__all__ = [
    "Listing",
    "archive_now",
    "copy_thread",
    "delete_for_runs",
    "delete_thread",
    "extend_ttl",
    "get_delta_channel_history",
    "get_tuple",
    "look",
    "pin",
    "prune",
    "put",
    "put_writes",
    "restore_thread",
    "revive",
    "ttl_of",
    "unpin",
]
