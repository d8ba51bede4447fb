"""What lies in PostgreSQL."""

from __future__ import annotations

from langgraph_dualstore.cli.demo.dialogs import Dialog
from langgraph_dualstore.cli.demo.sql import show_found
from langgraph_dualstore.cli.demo.stage import Stage

_SESSIONS = """
    SELECT status, attributes->>'language' AS language, count(*) AS sessions,
           sum(turn_count) AS turns, sum(message_count) AS messages
    FROM prompt_sessions WHERE deleted_at IS NULL
    GROUP BY status, language ORDER BY status, language
"""

_ROLES = """
    SELECT role, count(*) AS messages, sum(length(content)) AS characters
    FROM prompt_messages GROUP BY role ORDER BY role
"""

_TOOLS = """
    SELECT call->>'name' AS tool, count(*) AS calls
    FROM prompt_messages, jsonb_array_elements(meta->'tool_calls') AS call
    GROUP BY tool ORDER BY calls DESC, tool LIMIT 5
"""

_LONGEST = """
    SELECT s.turn_count AS turns, s.message_count AS messages, m.content AS begins
    FROM prompt_sessions AS s
    JOIN prompt_messages AS m ON m.session_id = s.id AND m.position = 0
    ORDER BY s.message_count DESC, s.id LIMIT 5
"""


def show_archived(stage: Stage, dialog: Dialog) -> None:  # noqa: ARG001 - of all of them
    """Show what SQL finds in the sessions and messages of all conversations."""
    show_found(stage, _SESSIONS)
    for query in (_ROLES, _TOOLS, _LONGEST):
        stage.console.print()
        show_found(stage, query)
