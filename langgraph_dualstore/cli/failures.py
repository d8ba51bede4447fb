"""Errors as a command tells them: a sentence, and a code for a script."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from langgraph_dualstore.cli.consoles import fail
from langgraph_dualstore.errors import ConfigurationError, DualStoreError

_USAGE = 2  # what typer ends with when an option is wrong


@contextlib.contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """End the command with a sentence where this package raises an error.

    Raises:
        typer.Exit: With 2 if something was asked for that cannot be, with 1 if a server
            refused or could not be asked.
    """
    # Its pool logs each try to connect; the last one's error is what is told.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    try:
        yield
    except DualStoreError as error:
        # libpq adds a question to what it says.
        sentence = str(error).partition("\n")[0].strip()
        fail(sentence, code=_USAGE if isinstance(error, ConfigurationError) else 1)
