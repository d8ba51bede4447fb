"""A thread's history, and a fork of it."""

from __future__ import annotations

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot
from rich.table import Table

from langgraph_dualstore.cli.demo.dialogs import Dialog
from langgraph_dualstore.cli.demo.graph import recorded_graph, thread_of
from langgraph_dualstore.cli.demo.stage import Stage

_SHOWN = 8


def show_time_travel(stage: Stage, dialog: Dialog) -> None:
    """Show a thread's newest checkpoints, and run a copy of it again from an earlier one."""
    thread_id = f"{dialog.id} forked"
    stage.saver.delete_thread(thread_id)
    stage.saver.copy_thread(dialog.id, thread_id)
    graph = recorded_graph(stage.saver, [dialog])
    config = thread_of(dialog, thread_id)
    before = list(graph.get_state_history(config))
    stage.console.print(_table(before))

    # The newest checkpoint before an answer: what follows it is run once more.
    earlier = next(state for state in before if state.next == ("model",))
    graph.invoke(None, _at(config, earlier))
    after = list(graph.get_state_history(config))
    children = [state for state in after if _id(state.parent_config) == _id(earlier.config)]
    stage.console.print(
        f"\nA copy of the thread is run again from step {_step(earlier)}: "
        f"{len(before)} checkpoints have become {len(after)}, and that step has "
        f"{len(children)} successors. Both branches are kept.",
    )


def _table(history: list[StateSnapshot]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("step", justify="right")
    table.add_column("written by")
    table.add_column("messages", justify="right")
    table.add_column("next")
    table.add_column("checkpoint")
    writers = {_id(state.config): ", ".join(state.next) for state in history}
    for state in history[:_SHOWN]:
        of_input = (state.metadata or {}).get("source") == "input"
        table.add_row(
            str(_step(state)),
            "input" if of_input else writers[_id(state.parent_config)],
            str(len(state.values.get("messages", []))),
            ", ".join(state.next) or "end",
            _id(state.config),
        )
    return table


def _at(config: RunnableConfig, state: StateSnapshot) -> RunnableConfig:
    configurable = {**config["configurable"], **state.config["configurable"]}
    return {**config, "configurable": configurable}


def _id(config: RunnableConfig | None) -> str | None:
    return config["configurable"]["checkpoint_id"] if config else None


def _step(state: StateSnapshot) -> int | None:
    return (state.metadata or {}).get("step")
