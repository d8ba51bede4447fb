"""A conversation that goes on after everything was stopped."""

from __future__ import annotations

from langgraph_dualstore.cli.demo.dialogs import Dialog
from langgraph_dualstore.cli.demo.graph import recorded_graph, thread_of
from langgraph_dualstore.cli.demo.replay import messages_in, replay
from langgraph_dualstore.cli.demo.stage import Stage


def show_restarted(stage: Stage, dialog: Dialog) -> None:
    """Run half of a conversation, stop the saver and its servers, and run the rest.

    This is done in a thread of its own, so that the others stay as they were recorded.
    """
    thread_id = f"{dialog.id} restarted"
    config = thread_of(dialog, thread_id)
    stage.saver.delete_thread(thread_id)
    graph = recorded_graph(stage.saver, [dialog])
    turns = len(dialog.questions)
    begun = replay(graph, dialog, thread_id=thread_id, turns=(turns + 1) // 2)
    _say(stage, f"{begun} of {turns} turns", len(messages_in(graph, config)))
    stage.console.print("The saver and its servers are stopped; new ones take the same folder.")
    stage.restart()
    graph = recorded_graph(stage.saver, [dialog])
    left = str(stage.saver.ttl_of(thread_id)).split(".")[0]
    _say(stage, "Found", len(messages_in(graph, config)), f", {left} to live")
    begun += replay(graph, dialog, thread_id=thread_id)
    _say(stage, f"{begun} of {turns} turns", len(messages_in(graph, config)))


def _say(stage: Stage, what: str, messages: int, more: str = "") -> None:
    stage.console.print(f"{what}: {messages} messages{more}.")
