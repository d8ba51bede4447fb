"""The command `show`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from textwrap import indent
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from langgraph_dualstore.cli.consoles import fail, print_json, printing, say, telling
from langgraph_dualstore.cli.documents import as_document
from langgraph_dualstore.cli.formats import ago, at_utc, counted, span
from langgraph_dualstore.cli.texts import readable, visible
from langgraph_dualstore.cli.transcripts import Said, said_in
from langgraph_dualstore.errors import UnknownMessageType
from langgraph_dualstore.infos import ThreadDetails
from langgraph_dualstore.saver import DualStoreSaver

_STYLES = {"user": "bold cyan", "assistant": "bold green"}
_WHERE = {"hot": "Redis", "cold": "the archive", "both": "Redis and the archive"}
_NOT_FIELDS = {
    "session_id",
    "current_turn",
    "created_at",
    "updated_at",
    "messages",
    "_meta",
}


def show_thread(
    saver: DualStoreSaver,
    *,
    thread: Annotated[
        str, typer.Argument(metavar="THREAD", help="The thread's id.", show_default=False)
    ],
    messages: Annotated[
        int | None,
        typer.Option("--messages", "-n", metavar="N", min=0, help="Only the last N messages."),
    ] = None,
    state: Annotated[
        bool, typer.Option("--state", help="Show the state's other fields, too.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the details and the state as one JSON document."),
    ] = False,
) -> None:
    """Show a thread: where it is, how it stands, and what was said.

    Messages that the graph has removed are shown, and marked. What would move a terminal's
    cursor, or change its colours, is left out. Nothing is brought back from the archive.
    """
    if as_json and messages is not None:
        raise typer.BadParameter("--json prints all of them", param_hint="--messages")
    details = saver.thread(thread)
    if as_json and details is not None:
        print_json({"thread": as_document(details), "state": saver.state_document(thread)})
        return
    exported = _exported(saver, thread)
    session = next((line for line in exported if line["kind"] == "session"), None)
    if not exported:
        where = "Redis or in the archive" if saver.servers.cold else "Redis; there is no archive"
        fail(f"there is no thread '{thread}' in {where}")
    document = exported[-1]["document"] if exported[-1]["kind"] == "state" else None
    if as_json:
        print_json({"thread": session, "state": document})
        return
    console = printing()
    if details is not None:
        _show_details(details)
    elif session is not None:
        say(f"{thread}: deleted {_time(session.get('deleted_at'))}, and its transcript was kept")
    _show_messages(console, list(said_in(exported)), messages)
    if document is not None:
        _show_state(console, document, in_full=state)


def _exported(saver: DualStoreSaver, thread_id: str) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in saver.export_thread(thread_id)]
    except UnknownMessageType:
        # Then there is no transcript, which may be why somebody looks.
        return [{"kind": "state", "document": saver.state_document(thread_id)}]


def _show_details(details: ThreadDetails) -> None:
    for name, told in _details(details):
        say(f"{name:<14}{told}")


def _details(details: ThreadDetails) -> Iterator[tuple[str, str]]:
    yield "thread", details.thread_id
    yield "user", details.user_id or "-"
    yield "status", details.status or "-"
    yield "where", _WHERE[details.where]
    yield "started", _moment(details.started_at)
    yield "last active", _moment(details.last_activity_at)
    yield "turns", _count(details.turn_count)
    yield "messages", _count(details.message_count)
    if details.where != "cold":
        yield "checkpoints", f"{details.checkpoints:,} in Redis"
        pinned = ", as it is pinned" if details.pinned else ""
        left = "never" if details.ttl is None else f"in {span(details.ttl)}"
        yield "expires", f"{left}{pinned}"
    if details.where != "hot":
        lagging = "" if details.up_to_date else ", and written to since"
        yield "archived", f"{_moment(details.archived_at)}{lagging}"
    if details.set_aside is not None:
        yield "set aside", details.set_aside


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _moment(at: datetime | None) -> str:
    return "-" if at is None else f"{at_utc(at)}, {ago(at)}"


def _time(text: object) -> str:
    """Return an ISO time as people read it, and any other text as it is."""
    try:
        return at_utc(datetime.fromisoformat(str(text)))
    except ValueError:
        return visible(str(text))


def _show_messages(console: Console, said: Sequence[Said], last: int | None) -> None:
    shown = said if last is None else said[len(said) - last :] if last < len(said) else said
    if not said:
        telling().print("It has no messages.")
    elif len(shown) < len(said):
        console.print()
        console.print(f"{counted(len(said) - len(shown), 'earlier message')} not shown")
    for one in shown:
        console.print()
        console.print(_heading(one), soft_wrap=True)
        _write(console, one.lines or "(no text)", removed=one.removed_at is not None)


def _heading(one: Said) -> Text:
    speaker = visible(one.role if one.name is None else f"{one.role} {one.name}")
    more = [] if one.turn is None else [f"turn {one.turn}"]
    if one.at is not None:
        more.append(_time(one.at))
    if one.channel != "messages":
        more.append(f"in {visible(one.channel)}")
    if one.removed_at is not None:
        more.append(f"removed {_time(one.removed_at)}")
    heading = Text(speaker, _STYLES.get(one.role, "bold"))
    return heading.append(f"  {', '.join(more)}", "dim") if more else heading


def _show_state(console: Console, document: Mapping[str, Any], *, in_full: bool) -> None:
    fields = {name: value for name, value in document.items() if name not in _NOT_FIELDS}
    fields |= document["_meta"].get("state", {})
    console.print()
    if not fields:
        console.print("The state has no other fields.")
    elif not in_full:
        names = ", ".join(fields)
        console.print(Text(f"--state shows the state's other fields: {visible(names)}", "dim"))
    for name, value in fields.items() if in_full else ():
        console.print(Text(visible(name), "bold"))
        _write(console, json.dumps(value, ensure_ascii=False, indent=2))


def _write(console: Console, lines: str, *, removed: bool = False) -> None:
    text = readable(lines)
    style = "dim" if removed else ""
    if console.is_terminal:
        console.print(Padding(Text(text, style), (0, 0, 0, 2)))
    else:
        console.print(Text(indent(text, "  ")), soft_wrap=True)
