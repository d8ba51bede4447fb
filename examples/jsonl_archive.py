"""An archive in files, one JSONL file for each thread: how an `ArchiveHook` is written.

    archive = JsonlArchive("./archive")
    saver = DualStoreSaver.from_conn_string("redis://localhost:6379", archive=archive)

Each archive reads a thread's file, adds what is new and replaces the file in one step. That
is simple, and costs more the longer a thread is; `PostgresArchive` writes what is new only.
"""  # noqa: INP001 - a file to copy, not a package

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from langgraph_dualstore.archive import Archived, Entries, Mark, ThreadArchive
from langgraph_dualstore.errors import ColdStoreUnavailable

Lines = dict[str, list[Any]]
"""A file: what its lines hold, by what they are called."""


class JsonlArchive:
    """Keeps threads in a folder, which several processes of one machine may share."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)

    def marks(self, thread_ids: Sequence[str]) -> Mapping[str, Mark]:
        """Return the marks of those of some threads that there are files of."""
        with self._locked():
            found = {thread_id: self._read(thread_id) for thread_id in thread_ids}
        heads = {thread_id: lines["thread"][0] for thread_id, lines in found.items() if lines}
        return {
            thread_id: Mark(head["mark"], head["deleted"], head["checkpoint_id"])
            for thread_id, head in heads.items()
        }

    def archive(self, threads: Sequence[ThreadArchive]) -> Collection[str]:
        """Store each thread whose mark is its base, and return the ids of the others."""
        refused: list[str] = []
        for thread in threads:
            with self._locked():  # nobody else may come between the look and the write
                before = self._read(thread.thread_id)
                mark = before["thread"][0]["mark"] if before else None
                if mark == thread.base:
                    self._write(thread.thread_id, _merged(before, thread))
                elif mark != thread.mark:  # else this very archive is there already
                    refused.append(thread.thread_id)
        return refused

    def restore(self, thread_id: str) -> Archived | None:
        """Return what a thread is restored from, as it was handed in."""
        with self._locked():
            lines = self._read(thread_id)
        if not lines or not lines.get("entries"):
            return None
        of = lines["entries"][0]
        members, writes = (list(map(_bytes, lines.get(name, []))) for name in ("member", "write"))
        log = [(position, _bytes(data)) for position, data in lines.get("log", [])]
        entries = Entries(of["generation"], of["delta"], members, writes, log)
        return Archived(lines["thread"][0]["mark"], entries)

    def delete(self, thread_id: str, *, keep_transcript: bool) -> bool:
        """Leave a mark that no archive goes on from, and the transcript if that is wanted."""
        with self._locked():
            before = self._read(thread_id)
            head = {"thread_id": thread_id, "mark": uuid.uuid4().hex, "deleted": True}
            left: Lines = {"thread": [{**head, "checkpoint_id": ""}]}
            if keep_transcript:
                left |= {name: before.get(name, []) for name in ("session", "message")}
            self._write(thread_id, left)
        return bool(before) and not before["thread"][0]["deleted"]

    def close(self) -> None:
        """Nothing is kept open."""

    def transcript(self, thread_id: str) -> list[dict[str, Any]]:
        """Return the messages of a thread: not a part of the protocol, but what it is for."""
        with self._locked():
            return self._read(thread_id).get("message", [])

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other threads and processes out; a disk that fails may be there again later."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file is closed
                yield
        except OSError as error:
            raise ColdStoreUnavailable(f"the archive cannot be used: {error}") from error

    def _path(self, thread_id: str) -> Path:
        # A thread id may have any characters, and any length.
        name = hashlib.sha256(thread_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{name}.jsonl"

    def _read(self, thread_id: str) -> Lines:
        lines: Lines = {}
        with contextlib.suppress(FileNotFoundError), self._path(thread_id).open() as file:
            for name, value in map(json.loads, file):
                lines.setdefault(name, []).append(value)
        return lines

    def _write(self, thread_id: str, lines: Lines) -> None:
        """Replace a file: whoever reads it finds the old one or the new one, never a part."""
        path = self._path(thread_id)
        unfinished = path.with_suffix(".new")
        with unfinished.open("w") as file:
            for name, values in lines.items():
                file.writelines(json.dumps([name, value]) + "\n" for value in values)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


def _merged(before: Lines, thread: ThreadArchive) -> Lines:
    """Return what a thread's file holds when an archive has been added to it."""
    head = {"thread_id": thread.thread_id, "mark": thread.mark, "deleted": False}
    messages = _messages(before.get("message", []), thread)
    entries = thread.entries
    if entries is None:  # what is there is newer
        newest = before["thread"][0]["checkpoint_id"] if before else ""
        return {**before, "thread": [{**head, "checkpoint_id": newest}], "message": messages}
    log = {} if thread.whole_log else dict(before.get("log", []))
    log |= {position: _text(data) for position, data in entries.log}
    session = asdict(thread.session)
    for name in ("started_at", "last_activity_at"):
        session[name] = session[name].isoformat()
    return {
        "thread": [{**head, "checkpoint_id": thread.checkpoint_id}],
        "session": [session],
        "message": messages,
        "entries": [{"generation": entries.generation, "delta": entries.delta}],
        "member": list(map(_text, entries.members)),
        "write": list(map(_text, entries.writes)),
        "log": sorted(log.items()),
    }


def _messages(before: list[Any], thread: ThreadArchive) -> list[Any]:
    """Return the messages in order: a known one keeps its place, a removed one stays."""
    messages = {(message["channel"], message["key"]): message for message in before}
    for row in thread.messages:
        created_at = row.created_at.isoformat()
        new = asdict(row) | {"meta": dict(row.meta), "created_at": created_at, "removed": False}
        messages[row.channel, row.key] = new
    for (channel, key), message in messages.items():
        if channel in thread.present:  # else the channel only grew
            message["removed"] = key not in thread.present[channel]
    return list(messages.values())


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
