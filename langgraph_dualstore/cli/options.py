"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from langgraph_dualstore.environment import DSNS, URLS

_SERVERS = "Servers"

_postgres = typer.Option(
    "--postgres",
    metavar="DSN",
    envvar=list(DSNS),
    help="Where threads are archived: postgresql://user:password@host/database.",
    rich_help_panel=_SERVERS,
)

Postgres = Annotated[str, _postgres]
PostgresIfAny = Annotated[str | None, _postgres]

RedisIfAny = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        envvar=list(URLS),
        help="Where threads live: redis://user:password@host:6379/0. Without it "
        "REDIS_HOST and its like say where, or it is localhost.",
        rich_help_panel=_SERVERS,
    ),
]

Schema = Annotated[
    str,
    typer.Option(
        "--schema",
        metavar="NAME",
        help="PostgreSQL's schema of the tables.",
        rich_help_panel=_SERVERS,
    ),
]

Prefix = Annotated[
    str,
    typer.Option(
        "--prefix",
        metavar="PREFIX",
        help="What the keys in Redis start with.",
        rich_help_panel=_SERVERS,
    ),
]

Saver = Annotated[
    str | None,
    typer.Option(
        "--saver",
        metavar="MODULE:NAME",
        envvar="DUALSTORE_SAVER",
        help="A function of yours that returns the saver, with its serializer and its settings; "
        "instead of the options above.",
        rich_help_panel=_SERVERS,
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]

AsJsonLines = Annotated[
    bool, typer.Option("--json", help="Print a line of JSON for each, for a script.")
]

AllOfUser = Annotated[
    str | None, typer.Option("--user", metavar="ID", help="All threads of this user.")
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

_ids = typer.Argument(metavar="THREAD", help="The ids of threads.", show_default=False)

ThreadIds = Annotated[list[str] | None, _ids]
"""Ids, unless something else says which threads are meant: see `require_one`."""

SomeThreadIds = Annotated[list[str], typer.Argument(metavar="THREAD", help="The ids of threads.")]


def require_one(*alternatives: tuple[str, object]) -> None:
    """See to it that exactly one of several things was given.

    Raises:
        typer.BadParameter: It is none of them, or more than one.
    """
    names = [name for name, _ in alternatives]
    given = [name for name, value in alternatives if value]
    if not given:
        raise typer.BadParameter(f"it takes {' or '.join(names)}", param_hint=names[0])
    if len(given) > 1:
        raise typer.BadParameter(f"not together with {given[0]}", param_hint=given[1])
