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

_TRANSIENT = (
    redis_errors.ConnectionError,
    redis_errors.TimeoutError,
    redis_errors.ReadOnlyError,
    redis_errors.ClusterDownError,
    redis_errors.TryAgainError,
    redis_errors.RedisClusterException,
    OSError,
)

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


def _translated(error: Exception) -> Exception:
    if isinstance(error, _PERMANENT):
        return HotStoreError(f"Redis refused the connection: {error}")
    if isinstance(error, _TRANSIENT) or (
        isinstance(error, redis_errors.ResponseError) and _TRANSIENT_CODE.search(str(error))
    ):
        return HotStoreUnavailable(f"Redis cannot be asked: {error or type(error).__name__}")
    if isinstance(error, redis_errors.MovedError | redis_errors.AskError):
        return HotStoreError(
            "Redis is a cluster; give the saver a redis.RedisCluster client instead of a URL"
        )
    if isinstance(error, redis_errors.RedisError):
        return HotStoreError(f"Redis refused: {error}")
    return error
