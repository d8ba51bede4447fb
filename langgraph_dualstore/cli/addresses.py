"""Where a server is, as a command may print it: no user, no password, no parameter."""

from __future__ import annotations

from urllib.parse import urlsplit


def address_of(source: str) -> str:
    """Return the part of a URL, or of PostgreSQL's `host=… dbname=…`, that names a place."""
    if "://" not in source:
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - an extra

        known = conninfo_to_dict(source)
        named = (known.get(key) for key in ("host", "port", "dbname"))
        return "/".join(str(value) for value in named if value) or "the default database"
    parts = urlsplit(source)
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}"
