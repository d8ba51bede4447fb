"""The SQL statements, each a file with one purpose, and the migrations, numbered ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from psycopg import sql

from langgraph_dualstore.errors import ConfigurationError

_NAME_BYTES = 63  # longer ones PostgreSQL cuts off, and then two may be the same


@dataclass(frozen=True)
class Migration:
    """A step from one version of the tables to the next."""

    number: int
    name: str
    source: str


class Queries:
    """The statements for the tables of one schema.

    Every one names its tables in full, so none depends on a session's search path.

    Args:
        schema: Where the tables are.

    Raises:
        ConfigurationError: No schema can have that name.
    """

    def __init__(self, schema: str) -> None:
        if not isinstance(schema, str) or not schema or "\0" in schema:
            raise ConfigurationError("schema must be the name of a PostgreSQL schema")
        try:
            size = len(schema.encode())
        except UnicodeEncodeError:
            raise ConfigurationError("schema must be a name in Unicode") from None
        if size > _NAME_BYTES:
            raise ConfigurationError(f"schema must be a name of at most {_NAME_BYTES} bytes")
        self.schema = schema
        self._identifier = sql.Identifier(schema)
        # A name is no place for parameters, which a percent sign announces.
        self._escaped = sql.Identifier(schema.replace("%", "%%"))
        self._statements: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> bytes:
        """Return the statement `queries/<name>.sql`, to be executed with parameters."""
        statement = self._statements.get(name)
        if statement is None:
            template = sql.SQL(self.source(name))
            statement = template.format(schema=self._escaped).as_bytes(None)
            self._statements[name] = statement
        return statement

    def plain(self, name: str) -> bytes:
        """Return the statement `queries/<name>.sql`, to be executed without parameters."""
        return self.script(self.source(name)).encode()

    def source(self, name: str) -> str:
        """Return the template of a statement."""
        return _read("queries", name)

    def script(self, source: str) -> str:
        """Return statements without parameters, such as a migration's, for this schema."""
        template = sql.SQL(source)
        return template.format(schema=self._identifier).as_string(None)


@cache
def _read(folder: str, name: str) -> str:
    return (files(__package__) / folder / f"{name}.sql").read_text(encoding="utf-8")


@cache
def migrations() -> tuple[Migration, ...]:
    """Return all migrations in order."""
    found = []
    for file in (files(__package__) / "migrations").iterdir():
        if match := re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name):
            source = file.read_text(encoding="utf-8")
            found.append(Migration(int(match[1]), match[2], source))
    return tuple(sorted(found, key=lambda migration: migration.number))
