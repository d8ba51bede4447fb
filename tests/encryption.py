"""A serializer that encrypts, and what somebody with write access but no key could do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer

from langgraph_dualstore.hot.compaction import member_of
from langgraph_dualstore.hot.records import Record, Typed, decode_record

KEY = b"0123456789abcdef"


def encrypting(key: bytes = KEY, **given: Any) -> EncryptedSerializer:
    return EncryptedSerializer.from_pycryptodome_aes(key=key, **given)


def key_of(thread_id: str, part: str) -> str:
    return f"langgraph:state:{{{thread_id}}}:{part}"


def member_in(client: redis.Redis, thread_id: str) -> bytes:
    """The newest checkpoint of a thread, as it is stored."""
    return client.zrange(key_of(thread_id, "checkpoints"), -1, -1)[0]


def record_in(client: redis.Redis, thread_id: str) -> Record:
    return decode_record(member_in(client, thread_id), thread_id)


def change_record(client: redis.Redis, thread_id: str, change: Callable[[Record], Record]) -> None:
    """Puts another record in place of the newest checkpoint's."""
    member = member_in(client, thread_id)
    changed = member_of(member[:1], change(decode_record(member, thread_id)))
    client.zrem(key_of(thread_id, "checkpoints"), member)
    client.zadd(key_of(thread_id, "checkpoints"), {changed: 0})


def with_value(record: Record, channel: str, typed: Typed) -> Record:
    """The record with a value of a channel that is kept in the record itself."""
    stored = record.channels[channel]._replace(type=typed[0], inline=typed[1], runs=())
    return record._replace(channels={**record.channels, channel: stored})
