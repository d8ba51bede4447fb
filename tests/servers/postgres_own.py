"""A PostgreSQL of the user's own, named by DUALSTORE_TEST_POSTGRES_DSN.

The tests make databases of their own on it, and drop no others.
"""

from __future__ import annotations

import os

import psycopg

from servers.server import ServerUnavailable


def url() -> str:
    dsn = os.environ.get("DUALSTORE_TEST_POSTGRES_DSN", "")
    if not dsn:
        raise ServerUnavailable(
            "Set DUALSTORE_TEST_POSTGRES_DSN to a server on which its user may create databases."
        )
    return dsn


def check() -> None:
    try:
        with psycopg.connect(url(), connect_timeout=10) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.Error as error:
        raise ServerUnavailable(f"DUALSTORE_TEST_POSTGRES_DSN: {error}") from error
    if row != (True,):
        raise ServerUnavailable("The user of DUALSTORE_TEST_POSTGRES_DSN may not create databases.")
