"""The command `schema`."""

from __future__ import annotations

import sys

from langgraph_dualstore.cli.failures import told_in_a_sentence
from langgraph_dualstore.cli.options import Schema


def print_schema(*, schema: Schema = "public") -> None:
    """Print the SQL that makes the archive's tables, for those who run it themselves.

    No server is asked. Run it in an empty schema: it makes everything, in one transaction.
    """
    with told_in_a_sentence():
        from langgraph_dualstore.cold import migrations_sql  # noqa: PLC0415 - an extra

        sys.stdout.write(migrations_sql(schema))
