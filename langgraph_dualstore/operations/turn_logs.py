"""Logs of turns: stored in a thread's head, mirrored to the archive, read from both.

A log in the head goes with the thread, whatever becomes of that. A restored thread's logs
stay in the archive: those in the head are what was logged since.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import ormsgpack

from langgraph_dualstore._steps import AskArchive, Operation, RunScript, queue_first
from langgraph_dualstore.errors import ConfigurationError, CorruptRecord, UnserializableState
from langgraph_dualstore.hot.scripts import LOG_TURN, TURN_LOGS
from langgraph_dualstore.operations.archivable import Prepared
from langgraph_dualstore.operations.context import Context, due_arguments
from langgraph_dualstore.operations.restore import restore_if_absent
from langgraph_dualstore.sessions.states import dump_state

_TURNS = range(1 << 31)  # PostgreSQL's integer
_STORED = "$stored"
"""The only key of a log that is archived as the serializer has it, not as plain JSON."""


def log_turn(context: Context, thread_id: str, turn: int, document: Any) -> Operation[bool]:
    """Store a turn's log in place of the one before it.

    Returns:
        Whether the thread is there.

    Raises:
        ConfigurationError: The turn is no number of one.
        UnserializableState: JSON cannot carry the document.
    """
    if type(turn) is not int or turn not in _TURNS:
        raise ConfigurationError("turn must be a whole number of at least 0")
    log = ormsgpack.packb(context.codecs.of(thread_id).dumps(_dump(document)))
    while not (yield from _log(context, thread_id, turn, log)):
        if not (yield from restore_if_absent(context, thread_id)):
            return False
    return True


def _log(context: Context, thread_id: str, turn: int, log: bytes) -> Operation[bool]:
    due = context.due(thread_id)
    arguments = (turn, log, context.ttl, *due_arguments(due))
    unqueued = yield RunScript(LOG_TURN, context.keys(thread_id), arguments, due)
    if unqueued is None:
        return False
    if due and unqueued:
        yield queue_first(due)
    return True


def _dump(document: Any) -> bytes:
    try:
        return dump_state({"log": document})
    except UnserializableState as error:
        reason = str(error).partition(": ")[2]
        raise UnserializableState(
            f"a turn's log cannot be stored: {reason}", field=error.field
        ) from None


def turn_logs(context: Context, thread_id: str) -> Operation[dict[int, Any]]:
    """Return the logs of a thread's turns, in order.

    Raises:
        ColdStoreError: The archive refused or failed.
        CorruptRecord: A log cannot be read.
    """
    hot = yield RunScript(TURN_LOGS, context.keys(thread_id))
    noted, pairs = (b"1", []) if hot is None else hot
    found: dict[int, Any] = {}
    if noted and context.archiving and context.archiving.searchable:
        archived: Mapping[int, Any] = yield AskArchive("turns", (thread_id,))
        for turn, log in archived.items():
            found[turn] = _revived(context, thread_id, log)
    for turn, log in _pairs(pairs):
        found[turn] = _load(context, thread_id, log)
    return dict(sorted(found.items()))


def copy_logs(context: Context, source_id: str, target_id: str) -> Operation[None]:
    """Copy the logs of a thread's turns to another thread."""
    for turn, document in (yield from turn_logs(context, source_id)).items():
        yield from log_turn(context, target_id, turn, document)


def with_logs(
    context: Context, prepared: Prepared | None, pairs: Sequence[bytes]
) -> Prepared | None:
    """Return an archive with the logs of turns that are to be archived as well."""
    if prepared is None or not pairs:
        return prepared
    thread_id = prepared.archive.thread_id
    logs = {turn: _archivable(context, thread_id, log) for turn, log in _pairs(pairs)}
    return prepared._replace(archive=replace(prepared.archive, turn_logs=logs))


def _pairs(pairs: Sequence[bytes]) -> list[tuple[int, bytes]]:
    return [(int(turn), log) for turn, log in zip(pairs[::2], pairs[1::2], strict=True)]


def _load(context: Context, thread_id: str, log: bytes) -> Any:
    try:
        type_, data = ormsgpack.unpackb(log)
        return json.loads(context.codecs.of(thread_id).loads((type_, data)))["log"]
    except Exception as error:
        raise _unreadable(thread_id, error) from error


def _archivable(context: Context, thread_id: str, log: bytes) -> Any:
    """Return a log as it is archived: as it is, if the archive may hold plain text."""
    document = _load(context, thread_id, log)
    tagged = isinstance(document, dict) and document.keys() == {_STORED}
    if context.archiving and context.archiving.transcript and not tagged:
        return document
    return {_STORED: base64.b64encode(log).decode()}


def _revived(context: Context, thread_id: str, log: Any) -> Any:
    if isinstance(log, dict) and log.keys() == {_STORED}:
        return _load(context, thread_id, base64.b64decode(log[_STORED]))
    if context.codecs.encrypts and not (context.archiving and context.archiving.transcript):
        # It was not written by a saver like this one.
        raise _unreadable(thread_id, "it is not encrypted")
    return log


def _unreadable(thread_id: str, why: object) -> CorruptRecord:
    return CorruptRecord(
        f"the log of a turn of thread {thread_id!r} cannot be read: {why}", thread_id=thread_id
    )
