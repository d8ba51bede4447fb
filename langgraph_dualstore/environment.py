"""What environment variables say of Redis, PostgreSQL, and how long things live.

Every function takes the variables as a mapping, `os.environ` or another. One that is set
to nothing is as good as unset. No message repeats a value that may hold a password.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote

from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.settings import milliseconds

URLS = ("REDIS_URL", "REDIS_URI")
_PARTS = ("REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_DB", "REDIS_SSL")
DSNS = ("DATABASE_URL", "POSTGRES_DSN", "POSTGRES_URI", "DATABASE_URI")

# `langgraph dev` sets these, for it has neither; source: langgraph_api/cli.py.
_DEV_SERVER = {"REDIS_URI": "fake", "DATABASE_URI": ":memory:"}

_FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_HOST = re.compile(r"[\w.-]+")
# Kubernetes sets REDIS_PORT=tcp://10.0.0.1:6379 in every pod if a service is called redis.
_PORT = re.compile(r"(?:tcp://.*:)?([0-9]{1,5})")
_DATABASE = re.compile(r"[0-9]{1,9}")
_HIGHEST_PORT = 65535
_OTHER_URL = re.compile(r"(?!postgres(?:ql)?(?:\+\w+)?://)[\w.+-]+://")
# An @ after the host: a password with a character that ended the host before its time.
_MISPLACED_AT = re.compile(r"\w+://[^/?#]*[/?#][^?]*@")


def redis_url_from_env(environ: Mapping[str, str]) -> str | None:
    """Return the URL of Redis, `None` if no variable tells of one.

    `REDIS_URL` wins, then LangGraph server's `REDIS_URI`. Without either it is made of
    `REDIS_HOST` (localhost), `REDIS_PORT` (6379), `REDIS_PASSWORD`, taken literally,
    `REDIS_DB` (0) and `REDIS_SSL` (off); one of them is enough.

    Raises:
        ConfigurationError: A variable is not valid; the message names it.
    """
    for name in URLS:
        url = _address(environ, name)
        if url:
            if not url.startswith("unix:") and _MISPLACED_AT.match(url):
                raise ConfigurationError(
                    f"{name} is not valid: special characters in the password, like / ? # @, "
                    "must be percent-encoded"
                )
            return url
    if not any(_text(environ, name) for name in _PARTS):
        return None
    scheme = "rediss" if flag_from_env(environ, "REDIS_SSL") else "redis"
    password = quote(environ.get("REDIS_PASSWORD", ""), safe="")
    user = f":{password}@" if password else ""
    return f"{scheme}://{user}{_host(environ)}:{_port(environ)}/{_database(environ)}"


def postgres_dsn_from_env(environ: Mapping[str, str]) -> str | None:
    """Return the DSN of PostgreSQL, `None` if no variable has one.

    The first of `DATABASE_URL`, `POSTGRES_DSN`, `POSTGRES_URI`, and LangGraph server's
    `DATABASE_URI`.

    Raises:
        ConfigurationError: It is the URL of something else; the message names it.
    """
    for name in DSNS:
        dsn = _address(environ, name)
        if _OTHER_URL.match(dsn):
            raise ConfigurationError(
                f"{name} is not a PostgreSQL DSN, postgresql://user:password@host:5432/database; "
                "correct it, or unset it for no archive"
            )
        if dsn:
            return dsn
    return None


def flag_from_env(environ: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Return whether a variable says yes: 1, true, yes, on, or 0, false, no, off.

    Raises:
        ConfigurationError: It says something else.
    """
    text = _text(environ, name).lower()
    if not text:
        return default
    if text not in _FLAGS:
        raise ConfigurationError(f"{name} must be one of {', '.join(_FLAGS)}")
    return _FLAGS[text]


def seconds_from_env(environ: Mapping[str, str], name: str) -> timedelta | None:
    """Return how long a variable says, in seconds; `None` if it is not set.

    Raises:
        ConfigurationError: It is no number of seconds above zero.
    """
    text = _text(environ, name)
    if not text:
        return None
    try:
        return timedelta(milliseconds=milliseconds(float(text)) or 0)
    except ValueError:
        raise ConfigurationError(
            f"{name} must be a number of seconds, above zero and less than a century"
        ) from None


def _text(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


def _address(environ: Mapping[str, str], name: str) -> str:
    text = _text(environ, name)
    return "" if text == _DEV_SERVER.get(name) else text


def _host(environ: Mapping[str, str]) -> str:
    host = _text(environ, "REDIS_HOST") or "localhost"
    if _HOST.fullmatch(host):
        return host
    try:
        return f"[{ipaddress.IPv6Address(host.removeprefix('[').removesuffix(']'))}]"
    except ValueError:
        raise ConfigurationError(
            "REDIS_HOST must be a host name or an address alone; use REDIS_URL for a URL"
        ) from None


def _port(environ: Mapping[str, str]) -> int:
    found = _PORT.fullmatch(_text(environ, "REDIS_PORT") or "6379")
    if found is None or not 0 < int(found[1]) <= _HIGHEST_PORT:
        raise ConfigurationError(f"REDIS_PORT must be a number from 1 to {_HIGHEST_PORT}")
    return int(found[1])


def _database(environ: Mapping[str, str]) -> int:
    text = _text(environ, "REDIS_DB") or "0"
    if not _DATABASE.fullmatch(text):
        raise ConfigurationError("REDIS_DB must be the number of a database, like 0")
    return int(text)
