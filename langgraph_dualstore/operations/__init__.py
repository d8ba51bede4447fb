"""What the saver does, written once: each operation is a generator of steps (`_steps`)."""

from langgraph_dualstore.operations.archive import archive_now, archive_threads
from langgraph_dualstore.operations.check import check
from langgraph_dualstore.operations.copy import copy_thread
from langgraph_dualstore.operations.delete import delete_for_runs, delete_thread
from langgraph_dualstore.operations.documents import state_document, turn_ranges
from langgraph_dualstore.operations.erase import PurgeOperation, erase_thread, erase_user, purge
from langgraph_dualstore.operations.evict import evict_thread
from langgraph_dualstore.operations.expiry import extend_ttl, pin, ttl_of, unpin
from langgraph_dualstore.operations.export import export_thread
from langgraph_dualstore.operations.health import health
from langgraph_dualstore.operations.history import get_delta_channel_history
from langgraph_dualstore.operations.list import Listing
from langgraph_dualstore.operations.list_threads import Filters, list_threads
from langgraph_dualstore.operations.places import where_is, write_places
from langgraph_dualstore.operations.prune import prune
from langgraph_dualstore.operations.put import put
from langgraph_dualstore.operations.queue import look, revive
from langgraph_dualstore.operations.read import get_tuple
from langgraph_dualstore.operations.restore import restore_now
from langgraph_dualstore.operations.telling import thread
from langgraph_dualstore.operations.turn_logs import log_turn, turn_logs
from langgraph_dualstore.operations.writes import place_writes, put_writes

__all__ = [
    "Filters",
    "Listing",
    "PurgeOperation",
    "archive_now",
    "archive_threads",
    "check",
    "copy_thread",
    "delete_for_runs",
    "delete_thread",
    "erase_thread",
    "erase_user",
    "evict_thread",
    "export_thread",
    "extend_ttl",
    "get_delta_channel_history",
    "get_tuple",
    "health",
    "list_threads",
    "log_turn",
    "look",
    "pin",
    "place_writes",
    "prune",
    "purge",
    "put",
    "put_writes",
    "restore_now",
    "revive",
    "state_document",
    "thread",
    "ttl_of",
    "turn_logs",
    "turn_ranges",
    "unpin",
    "where_is",
    "write_places",
]
