"""The one place where errors of psycopg become this package's own."""

from __future__ import annotations

import re

import psycopg
import psycopg_pool
from psycopg import errors as pg

from langgraph_dualstore.errors import (
    ArchiveRejected,
    ColdStoreError,
    ColdStoreUnavailable,
    SchemaMismatch,
)

MENDING = "run `langgraph-dualstore setup`, or call saver.setup()"

# Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html that
# pass: connections, rollbacks, resources, operators' doings, the system; a lock that was not
# to be had; a server that only reads, as one does that is failing over.
_TRANSIENT = re.compile("08|40|53|57|58|55P03|25006|25P03|25P04")
_NO_DATABASE = "57P04"

# Those that are about the data: what they are, what they break, how large they are.
_IS_DATA = re.compile("22|23|54")

_NO_TABLES = (
    pg.UndefinedTable,
    pg.UndefinedColumn,
    pg.UndefinedFunction,
    pg.UndefinedObject,
    pg.InvalidSchemaName,
)
_NOT_LET_IN = (pg.InvalidAuthorizationSpecification, pg.InvalidPassword, pg.InvalidCatalogName)
_CONFUSED = (pg.InvalidSqlStatementName, pg.DuplicatePreparedStatement)

# libpq gives no code for a connection that was refused.
_REFUSAL = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|(?:role|database|user) .* does not exist|no such (?:user|database)"
    r"|is not permitted to log in|permission denied for database"
    r"|does not support SSL|certificate|requires? (?:SSL|encryption)|invalid .* value"
)


# Which of them is whose to mend; the others say it themselves.
_ADVICE = (
    (
        re.compile(
            r"authentication failed|no password supplied|no such user"
            r"|(?:role|user) .* does not exist"
        ),
        "check the user and the password of the DSN",
    ),
    (
        re.compile(r"database .* does not exist|no such database"),
        "create it, or name another one in the DSN",
    ),
)

# A server that was not found, or that does not listen; not one that has said something.
_NOT_REACHED = re.compile(
    r"^(?!.*FATAL)(?:connection (?:failed|is bad|timeout)|failed to resolve|could not)"
)
_CHECK = "check that it runs, and the host and the port of the DSN"


def translate(error: Exception) -> Exception:
    """Return this package's error for one of psycopg's, others as they are.

    The original becomes the `__cause__`, so raise what is returned without a `from`.
    """
    own = _translated(error)
    if own is not error:
        own.__cause__ = error
    return own


def is_refusal(error: BaseException) -> bool:
    """Tell whether a connection failed for a reason that does not pass."""
    return isinstance(error, _NOT_LET_IN) or (
        isinstance(error, psycopg.Error)
        and error.sqlstate is None
        and bool(_REFUSAL.search(str(error)))
    )


def _translated(error: Exception) -> Exception:
    if isinstance(error, UnicodeEncodeError):
        return ArchiveRejected(f"PostgreSQL cannot be given this text: {error.reason}")
    return _of_psycopg(error) if isinstance(error, psycopg.Error) else error


def _of_psycopg(error: psycopg.Error) -> Exception:
    # What else a server's error says may quote rows.
    message = error.diag.message_primary or _line(error) or type(error).__name__
    if isinstance(error, _NO_TABLES):
        return SchemaMismatch(f"a table is not as it should be ({message}): {MENDING}")
    if isinstance(error, _CONFUSED):
        return ColdStoreError(
            f"PostgreSQL lost a prepared statement ({message}): "
            "behind a pooler in transaction mode, use prepare_threshold=None"
        )
    if is_refusal(error) or error.sqlstate == _NO_DATABASE:
        advice = next((f"; {tip}" for what, tip in _ADVICE if what.search(message)), "")
        return ColdStoreError(f"PostgreSQL refused the connection: {message}{advice}")
    if _passes(error):
        advice = f"; {_CHECK}" if _NOT_REACHED.match(message) else ""
        return ColdStoreUnavailable(f"PostgreSQL cannot be asked: {message}{advice}")
    refused = ArchiveRejected if _IS_DATA.match(error.sqlstate or "") else ColdStoreError
    return refused(f"PostgreSQL refused: {message}")


def _line(error: psycopg.Error) -> str:
    """Return the line that tells most: libpq goes on with a question, and what else it tried."""
    lines = str(error).strip().splitlines() or [""]
    return next(filter(_REFUSAL.search, lines), lines[0]).strip()


def _passes(error: psycopg.Error) -> bool:
    if isinstance(error, psycopg_pool.PoolTimeout | psycopg_pool.TooManyRequests):
        return True
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return bool(_TRANSIENT.match(error.sqlstate))
