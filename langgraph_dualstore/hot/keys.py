r"""The names under which a thread lies in Redis.

A thread has four keys, whatever its length, and a fifth while something waits to be
archived. They share the cluster slot of `{<thread id>}` and one expiry:

    langgraph:state:{<thread id>}:head         hash: generation, revision, lengths, pin
    langgraph:state:{<thread id>}:checkpoints  sorted set: one member a checkpoint
    langgraph:state:{<thread id>}:writes       sorted set: one member a pending write
    langgraph:state:{<thread id>}:log          string: what checkpoints refer to
    langgraph:state:{<thread id>}:journal      string: the messages not yet archived

All scores are zero, so Redis orders the members by their bytes. A member starts
with its address, the parts of which are encoded so that the order of ids is kept:
NUL becomes NUL FF, NUL ends a part. What goes on with FF after an address has another
one, and sorts after everything that has this one.
(Lua's `<` compares by the server's locale; `ZRANGEBYLEX` compares bytes.)

What is to be archived is queued by thread id, in `SHARDS` queues of four keys each:

    langgraph:state:queue:{<shard>}:due        sorted set: when each thread is due
    langgraph:state:queue:{<shard>}:leases     sorted set: when each worker's claim ends
    langgraph:state:queue:{<shard>}:failures   hash: how often a thread was tried
    langgraph:state:queue:{<shard>}:dead       hash: threads set aside, and why
    langgraph:state:queue:{0}:swept            string: there for a while after a sweep
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote

from langgraph_dualstore.errors import ConfigurationError

LISTED = b"c"
"""First byte of a checkpoint that can be read and listed."""

ANCESTOR = b"a"
"""First byte of a checkpoint that is kept only to rebuild delta channels of later ones."""

AFTER = b"\xff"
"""Sorts after everything that can follow an address."""

INDEX_LENGTH = 8
"""The length of an encoded index of a write."""

# Redis hashes the whole key when the tag between the braces is empty, which would
# scatter the thread; a bare % cannot come out of percent-encoding anything else.
_EMPTY_TAG = "%"
_READABLE = " !\"#$&'()*+,-./:;<=>?@[]^_`|~"
_GLOB = "\\*?[]"
_INDEX_BIAS = 1 << 31


SHARDS = 8
"""How many queues there are. A cluster spreads them over its nodes."""


class ThreadKeys(NamedTuple):
    """The keys of a thread, in the order in which scripts take them."""

    head: bytes
    checkpoints: bytes
    writes: bytes
    log: bytes
    journal: bytes


class QueueKeys(NamedTuple):
    """The keys of a queue, in the order in which scripts take them."""

    due: bytes
    leases: bytes
    failures: bytes
    dead: bytes


@lru_cache(maxsize=1024)
def thread_keys(prefix: str, thread_id: str) -> ThreadKeys:
    """Return the keys of a thread, in which its id can be read."""
    tag = escape(thread_id) or _EMPTY_TAG
    start = f"{prefix}:{{{tag}}}:".encode()
    return ThreadKeys(*(start + name.encode() for name in ThreadKeys._fields))


@lru_cache(maxsize=1024)
def queue_of(prefix: str, thread_id: str) -> QueueKeys:
    """Return the keys of the queue that a thread is queued in."""
    return queue_keys(prefix, zlib.crc32(encode_text(thread_id)) % SHARDS)


@lru_cache(maxsize=1024)
def queue_keys(prefix: str, shard: int) -> QueueKeys:
    """Return the keys of a queue."""
    start = f"{prefix}:queue:{{{shard}}}:".encode()
    return QueueKeys(*(start + name.encode() for name in QueueKeys._fields))


def sweep_key(prefix: str) -> bytes:
    """Return the key that is there while all threads were looked at not long ago."""
    return f"{prefix}:queue:{{0}}:swept".encode()


def head_pattern(prefix: str) -> bytes:
    """Return the glob pattern that matches the head of every thread under `prefix`."""
    literal = "".join("\\" + char if char in _GLOB else char for char in prefix)
    return f"{literal}:{{*}}:head".encode()


def thread_ids_of(prefix: str, heads: Iterable[bytes | str]) -> Iterator[str]:
    """Yield the thread ids whose head keys these are; keys of others are left out.

    Args:
        prefix: What every key starts with.
        heads: What `head_pattern` matches; a cluster's client may have decoded them.
    """
    for head in heads:
        raw = as_bytes(head)
        tag = raw[len(prefix.encode()) + 2 : -len(b"}:head")]
        thread_id = "" if tag == _EMPTY_TAG.encode() else unescape(tag)
        if thread_id is not None and thread_keys(prefix, thread_id).head == raw:
            yield thread_id


def escape(name: str) -> str:
    """Return a name of any characters as a part of a key that stays readable.

    Braces, the percent sign, control characters and what is not ASCII are percent-encoded.
    """
    return quote(name, safe=_READABLE, errors="surrogatepass")


def unescape(part: bytes) -> str | None:
    """Return the name that `escape` was given, `None` if it can have been none."""
    try:
        return unquote(part.decode(errors="replace"), errors="surrogatepass")
    except UnicodeDecodeError:
        return None


def as_bytes(key: bytes | str) -> bytes:
    """Return a key that a cluster's client may have decoded."""
    return key.encode("utf-8", "surrogateescape") if isinstance(key, str) else key


def as_thread_id(value: object) -> str:
    """Return the thread id that a config carries, as a string.

    LangGraph turns thread ids into strings with `str()` before it asks a saver, so a
    number or a UUID means the same thread here.

    Raises:
        ConfigurationError: It is missing, or of a type whose `str()` is no name.
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | bytes | bytearray | list | tuple | dict | set):
        raise ConfigurationError(
            f"config['configurable']['thread_id'] must be a string, not {type(value).__name__}"
        )
    return str(value)


def encode_text(text: str) -> bytes:
    """Return a text as bytes; lone surrogates, which names may have, included."""
    return text.encode("utf-8", "surrogatepass")


def decode_text(raw: bytes) -> str:
    """Return the text that `encode_text` wrote."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogatepass")


def members_from(start: bytes) -> tuple[bytes, bytes]:
    """Return the greatest and the least member that begins so, as ZREVRANGEBYLEX takes them."""
    return b"[" + start + AFTER, b"[" + start


@lru_cache(maxsize=1024)
def encode_part(text: str) -> bytes:
    """Return one part of an address, ended by NUL."""
    raw = encode_text(text)
    if b"\0" in raw:
        raw = raw.replace(b"\0", b"\0\xff")
    return raw + b"\0"


def split_address(member: bytes, parts: int, start: int = 0) -> tuple[list[str], int]:
    """Return the first `parts` parts of a member's address and where they end."""
    found: list[str] = []
    at = start
    for _ in range(parts):
        end = member.index(b"\0", at)
        escaped = False
        while member[end + 1 : end + 2] == AFTER:
            end = member.index(b"\0", end + 2)
            escaped = True
        part = member[at:end]
        if escaped:
            part = part.replace(b"\0\xff", b"\0")
        found.append(decode_text(part))
        at = end + 1
    return found, at


def starts_with_address(member: bytes, address: bytes) -> bool:
    """Tell whether a member without a tag has this address."""
    return member.startswith(address) and not member.startswith(AFTER, len(address))


def encode_index(index: int) -> bytes:
    """Return a write's index in `INDEX_LENGTH` characters that sort as the number does."""
    return b"%08x" % (index + _INDEX_BIAS)


def decode_index(raw: bytes) -> int:
    """Return the index that `encode_index` wrote."""
    return int(raw, 16) - _INDEX_BIAS
