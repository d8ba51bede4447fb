"""Deleting a thread in one transaction, in a way that no archive undoes."""

from __future__ import annotations

from langgraph_dualstore.cold.queries import Queries
from langgraph_dualstore.cold.texts import exact_bytes, storable, thread_key
from langgraph_dualstore.cold.transactions import Connection, Cursor, cursor_of, pipelined


def delete(
    connection: Connection, queries: Queries, thread_id: str, mark: str, *, keep_transcript: bool
) -> bool:
    """Delete a thread, known or not, so that it has a mark which no archive expects.

    Args:
        connection: In no transaction.
        queries: The schema's.
        thread_id: The thread.
        mark: Never used before, but for the same deletion whose answer got lost.
        keep_transcript: Whether session, messages and turns stay.

    Returns:
        Whether there was anything.
    """
    given = {
        "thread_key": thread_key(thread_id),
        "thread_id": storable(thread_id),
        "thread_bytes": exact_bytes(thread_id),
        "mark": mark,
    }
    tables = ["entries"] if keep_transcript else ["entries", "messages", "turns"]
    with pipelined(connection):

        def run(statement: str) -> Cursor:
            return cursor_of(connection).execute(queries[statement], given)

        inserting = run("insert_tombstone")
        locking = run("lock_session")
        deleting = [run(f"delete_{table}") for table in tables]
        run("mark_deleted" if keep_transcript else "scrub_session")
        inserted = inserting.fetchone()
        locked = locking.fetchone()
        emptied = [cursor.rowcount for cursor in deleting]
    if inserted or not locked:
        return False
    _, was, deleted = locked
    return was == mark or not deleted or any(emptied)
