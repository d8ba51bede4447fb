"""Running recorded conversations turn by turn."""

from __future__ import annotations

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig

from langgraph_dualstore.cli.demo.dialogs import Dialog, question_of, role_of
from langgraph_dualstore.cli.demo.graph import Graph, thread_of


def replay(
    graph: Graph, dialog: Dialog, *, thread_id: str | None = None, turns: int | None = None
) -> int:
    """Run a conversation to its end, from where its thread stands.

    A thread that is there already goes on: a turn that was broken off is resumed, and
    turns that were run are not run again.

    Args:
        graph: What to run.
        dialog: The conversation.
        thread_id: Its thread, if that is not named for it.
        turns: Stop after this many turns.

    Returns:
        How many turns were begun.
    """
    config = thread_of(dialog, thread_id)
    # Not `next`: it leaves out tasks that have run, though their step is not over.
    if graph.get_state(config).tasks:
        graph.invoke(None, config)
    begun = 0
    for question in dialog.questions[_turns_in(messages_in(graph, config)) : turns]:
        graph.invoke({"messages": [question_of(question)]}, config)
        begun += 1
    return begun


def messages_in(graph: Graph, config: RunnableConfig) -> list[AnyMessage]:
    """Return the messages of a thread as they stand now."""
    messages: list[AnyMessage] = graph.get_state(config).values.get("messages", [])
    return messages


def _turns_in(messages: list[AnyMessage]) -> int:
    return sum(role_of(message) == "user" for message in messages)
