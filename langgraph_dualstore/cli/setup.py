"""The command `setup`."""

from __future__ import annotations

import contextlib

from langgraph_dualstore.cli.consoles import printing
from langgraph_dualstore.cli.failures import told_in_a_sentence
from langgraph_dualstore.cli.options import Postgres, Schema


def run_setup(*, postgres: Postgres, schema: Schema = "public") -> None:
    """Make the archive's tables in PostgreSQL, or bring them up to date.

    Harmless where that is done already, and safe when several processes do it at once. It
    takes the right to create in the schema, or in the database if there is no such schema.
    """
    with told_in_a_sentence():
        from langgraph_dualstore.cold import PostgresArchive  # noqa: PLC0415 - an extra

        with contextlib.closing(PostgresArchive(postgres, schema=schema)) as archive:
            made = archive.setup()
    done = f"ran migration {', '.join(map(str, made))}" if made else "nothing was to be done"
    printing().print(f'The tables in schema "{schema}" are up to date: {done}.', markup=False)
