"""Counting conversations as PostgreSQL has them, by SQL alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, LiteralString

import psycopg

from langgraph_dualstore.cli.demo.counts import Counts

_MESSAGES: LiteralString = """
    SELECT count(DISTINCT m.session_id), count(*),
           coalesce(sum(jsonb_array_length(m.meta->'tool_calls')), 0)
    FROM prompt_messages AS m JOIN prompt_sessions AS s ON s.id = m.session_id
    WHERE s.thread_id = ANY(%(thread_ids)s)
"""

_ROLES: LiteralString = """
    SELECT m.role::text, count(*)
    FROM prompt_messages AS m JOIN prompt_sessions AS s ON s.id = m.session_id
    WHERE s.thread_id = ANY(%(thread_ids)s)
    GROUP BY m.role
"""

_TURNS: LiteralString = """
    SELECT count(*)
    FROM prompt_turns AS t JOIN prompt_sessions AS s ON s.id = t.session_id
    WHERE s.thread_id = ANY(%(thread_ids)s) AND t.turn > 0
"""


def archived_counts(database: psycopg.Connection, thread_ids: Iterable[str]) -> Counts:
    """Count what the tables hold of some threads."""
    given: dict[str, Any] = {"thread_ids": list(thread_ids)}
    [(conversations, messages, tool_calls)] = database.execute(_MESSAGES, given)
    [(turns,)] = database.execute(_TURNS, given)
    return Counts(
        conversations=conversations,
        messages=messages,
        roles=dict(database.execute(_ROLES, given).fetchall()),
        turns=turns,
        tool_calls=int(tool_calls),
    )
