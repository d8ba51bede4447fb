"""The cold tier: threads as rows of PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langgraph_dualstore.errors import ConfigurationError

if TYPE_CHECKING:
    from langgraph_dualstore.cold.postgres import PostgresArchive, migrations_sql

__all__ = ["PostgresArchive", "migrations_sql"]


def __getattr__(name: str) -> Any:
    """Import what needs psycopg, an extra, when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from langgraph_dualstore.cold import postgres  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f'the archive needs psycopg: pip install "langgraph-dualstore[postgres]" ({error})'
        ) from error
    return getattr(postgres, name)
