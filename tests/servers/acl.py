"""A server whose default user is off, with an administrator and an ordinary user."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from langgraph_dualstore.embedded import HOST
from servers.process import ServerProcess

# What an application is commonly given: its own keys, nothing that administers the server.
RULES = "~langgraph:* +@all -@admin -@dangerous"

# Characters that a URL must escape.
PASSWORD = "s3:cr/et@?"
ADMIN_PASSWORD = "admin"


@dataclass(frozen=True, kw_only=True)
class AclServer:
    """`url` is the ordinary user's, `admin_url` the administrator's."""

    url: str
    admin_url: str
    username: str
    password: str
    process: ServerProcess


@contextlib.contextmanager
def serve(binary: Path, folder: Path, rules: str = RULES) -> Iterator[AclServer]:
    settings = (
        "user default off",
        f"user admin on >{ADMIN_PASSWORD} ~* &* +@all",
        f"user app on >{PASSWORD} {rules}",
    )
    credentials = f"admin:{ADMIN_PASSWORD}"
    with ServerProcess(binary, folder, *settings, credentials=credentials) as process:
        yield AclServer(
            url=f"redis://app:{quote(PASSWORD, safe='')}@{HOST}:{process.port}/0",
            admin_url=process.url,
            username="app",
            password=PASSWORD,
            process=process,
        )
