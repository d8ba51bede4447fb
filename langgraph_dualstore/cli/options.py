"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

Postgres = Annotated[
    str,
    typer.Option(
        "--postgres",
        metavar="DSN",
        envvar=["DATABASE_URL", "POSTGRES_DSN", "POSTGRES_URI", "DATABASE_URI"],
        help="Where threads are archived: postgresql://user:password@host:5432/database.",
    ),
]

Redis = Annotated[
    str,
    typer.Option(
        "--redis",
        metavar="URL",
        envvar=["REDIS_URL", "REDIS_URI"],
        help="Where threads live: redis://user:password@host:6379/0.",
    ),
]

Schema = Annotated[
    str, typer.Option("--schema", metavar="NAME", help="PostgreSQL's schema of the tables.")
]
