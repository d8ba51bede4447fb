"""Conversations that an earlier demonstration left in the same folder, long ago."""

from __future__ import annotations

from datetime import timedelta

from langgraph_dualstore.cli.demo.stage import Stage


def forget_expired(stage: Stage) -> None:
    """Delete the conversations that have left Redis since they were archived.

    They would be restored, but with their newest checkpoint only: what is counted of Redis
    is the whole history, so they are run anew.
    """
    marks = stage.archive.marks([dialog.id for dialog in stage.dialogs])
    for thread_id, mark in marks.items():
        if not mark.deleted and stage.saver.ttl_of(thread_id) == timedelta(0):
            stage.saver.delete_thread(thread_id)
