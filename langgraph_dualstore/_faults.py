"""The one place where errors of the Redis client become this package's own."""

from __future__ import annotations

import re

from redis import exceptions as redis_errors

from langgraph_dualstore.errors import HotStoreError, HotStoreUnavailable

# Refusals that redis-py derives from ConnectionError although asking again is no use.
_PERMANENT = (
    redis_errors.AuthenticationError,
    redis_errors.AuthorizationError,
)
# Redis may refuse a command for its length before it asks who sends it.
_NO_PASSWORD = re.compile(
    r"NOAUTH|HELLO must be called|Authentication required|unauthenticated (?:multi)?bulk length"
)

_TRANSIENT = (
    redis_errors.ConnectionError,
    redis_errors.TimeoutError,
    redis_errors.ReadOnlyError,
    redis_errors.ClusterDownError,
    redis_errors.TryAgainError,
    redis_errors.RedisClusterException,
    OSError,
)

# What redis-py says of a connection that it could not open.
_NOT_REACHED = re.compile(r"(?i)\bconnecting to\b")
_CHECK = "; check that it runs, and the host and the port of the URL"

# Refusals that pass. Before Redis 7 a script's error quotes them in a sentence.
_TRANSIENT_CODE = re.compile(
    r"(?:^|[-\s])(?:READONLY|NOREPLICAS|BUSY|MASTERDOWN|LOADING|CLUSTERDOWN|TRYAGAIN)\b"
)


def translate(error: Exception) -> Exception:
    """Return this package's error for one of the Redis client's, others as they are.

    The original becomes the `__cause__`, so raise what is returned without a `from`.
    """
    own = _translated(error)
    if own is not error:
        own.__cause__ = error
    return own


def is_refusal(error: BaseException) -> bool:
    """Tell whether a connection failed for who asks, which asking again does not change."""
    return isinstance(error, _PERMANENT) or (
        isinstance(error, redis_errors.ResponseError) and "unauthenticated" in str(error)
    )


def _translated(error: Exception) -> Exception:
    message = str(error).rstrip(".") or type(error).__name__
    if is_refusal(error):
        if _NO_PASSWORD.search(message):
            return HotStoreError(
                "Redis refused the connection: it wants a password; put it into the URL, as in "
                "redis://user:password@host:6379/0"
            )
        return HotStoreError(
            f"Redis refused the connection: {message}; check the user and the password of the URL"
        )
    if isinstance(error, _TRANSIENT) or (
        isinstance(error, redis_errors.ResponseError) and _TRANSIENT_CODE.search(str(error))
    ):
        advice = _CHECK if _NOT_REACHED.search(message) else ""
        return HotStoreUnavailable(f"Redis cannot be asked: {message}{advice}")
    if isinstance(error, redis_errors.MovedError | redis_errors.AskError):
        return HotStoreError(
            "Redis is a cluster; give the saver a redis.RedisCluster client instead of a URL"
        )
    if isinstance(error, redis_errors.RedisError):
        return HotStoreError(f"Redis refused: {error}")
    return error
