"""A conversation that goes on after it has expired from Redis."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import LiteralString

from rich.table import Table

from langgraph_dualstore.cli.consoles import fail
from langgraph_dualstore.cli.demo.dialogs import Dialog
from langgraph_dualstore.cli.demo.graph import recorded_graph, thread_of
from langgraph_dualstore.cli.demo.replay import messages_in, replay
from langgraph_dualstore.cli.demo.stage import Stage
from langgraph_dualstore.hot.keys import thread_keys

_TTL = timedelta(milliseconds=300)

_ARCHIVED: LiteralString = """
    SELECT message_count FROM prompt_sessions WHERE thread_id = %(thread_id)s
"""


def show_returned(stage: Stage, dialog: Dialog) -> None:
    """Run half of a conversation, let it expire, and run the rest.

    This is done in a thread of its own, so that the others stay as they were recorded.
    """
    thread_id = f"{dialog.id} returned"
    config = thread_of(dialog, thread_id)
    stage.saver.delete_thread(thread_id)
    graph = recorded_graph(stage.saver, [dialog])
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for heading in ("", "in Redis", "TTL", "in PostgreSQL"):
        table.add_column(heading)

    turns = len(dialog.questions)
    begun = replay(graph, dialog, thread_id=thread_id, turns=(turns + 1) // 2)
    before = messages_in(graph, config)
    stage.saver.flush()
    table.add_row(f"{begun} of {turns} turns", *_stand(stage, thread_id, len(before)))

    _let_expire(stage, thread_id)
    table.add_row("its time is over", *_stand(stage, thread_id, 0))

    back = messages_in(graph, config)
    table.add_row("the graph asks for it", *_stand(stage, thread_id, len(back)))

    begun += replay(graph, dialog, thread_id=thread_id)
    after = messages_in(graph, config)
    stage.saver.flush()
    table.add_row(f"{begun} of {turns} turns", *_stand(stage, thread_id, len(after)))
    stage.console.print(table)
    if back != before or len(after) != len(dialog.messages):
        fail("the conversation that had expired is not what it was.")
    stage.console.print(f"\nThe {len(back)} messages are equal to those before. None is lost.")


def _let_expire(stage: Stage, thread_id: str) -> None:
    """Give a thread's keys a short TTL, all of them the same, and wait for its end."""
    with stage.client.pipeline(transaction=True) as together:
        for key in thread_keys(stage.saver.settings.prefix, thread_id):
            together.pexpire(key, _TTL)
        together.execute()
    while stage.saver.ttl_of(thread_id) != timedelta(0):
        time.sleep(0.02)


def _stand(stage: Stage, thread_id: str, hot: int) -> tuple[str, str, str]:
    """Return how many messages Redis has, for how long, and how many PostgreSQL has."""
    left = str(stage.saver.ttl_of(thread_id)).partition(".")[0]
    [(cold,)] = stage.database.execute(_ARCHIVED, {"thread_id": thread_id})
    return f"{hot} messages" if hot else "nothing", left, f"{cold} messages"
