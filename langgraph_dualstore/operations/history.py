"""What delta channels are rebuilt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import DeltaChannelHistory, PendingWrite

from langgraph_dualstore._steps import Operation, RunScript
from langgraph_dualstore.hot.keys import (
    ThreadKeys,
    encode_part,
    encode_text,
    members_from,
    split_address,
)
from langgraph_dualstore.hot.memory import ThreadCopy
from langgraph_dualstore.hot.records import Record, decode_record
from langgraph_dualstore.hot.scripts import HISTORY
from langgraph_dualstore.operations.context import Context, Target, target_of
from langgraph_dualstore.operations.read import read_page
from langgraph_dualstore.operations.reader import Reader
from langgraph_dualstore.operations.restore import restore_if_absent

_STEP = 1000
"""How many checkpoints one round trip brings at most."""


def get_delta_channel_history(
    context: Context, config: RunnableConfig, channels: Sequence[str]
) -> Operation[Mapping[str, DeltaChannelHistory]]:
    """Return, for each channel, the value it starts from and the writes since.

    The ancestors are followed on the server. Each channel's walk ends at the nearest
    ancestor that stores a value of it. Source of the rules:
    `BaseCheckpointSaver.get_delta_channel_history`.
    """
    target = target_of(config)
    keys = context.keys(target.thread_id)
    newest_first: dict[str, list[PendingWrite]] = {channel: [] for channel in channels}
    seeds: dict[str, Any] = {}
    start = b"" if target.checkpoint_id is None else encode_part(target.checkpoint_id)
    skip = 1  # the target's own values and writes belong to the step after it
    seen: set[str] = set()
    while missing := newest_first.keys() - seeds.keys():
        names = [encode_text(name) for name in missing]
        args = (target.space, start, "1" if skip else "", _STEP, *names)
        chain = yield RunScript(HISTORY, keys, args)
        while not chain and not seen and (yield from restore_if_absent(context, target.thread_id)):
            chain = yield RunScript(HISTORY, keys, args)
        record: Record | None = None
        for member, members in chain[skip:]:
            record = decode_record(member, target.thread_id)
            reader = Reader(context, target.thread_id, ThreadCopy(record.generation))
            for write in reversed(reader.stored_writes(record, members)):
                if write.channel in missing:
                    newest_first[write.channel].append(reader.write(write))
            found = missing & record.channels.keys()
            if any(record.channels[name].runs for name in found):
                reader = yield from _reader_of(context, keys, target, member)
            for name in found:
                seeds[name] = reader.value(record, record.channels[name])
            missing -= found
        if record is None or record.parent_id is None or record.checkpoint_id in seen:
            break
        seen.add(record.checkpoint_id)
        start, skip = encode_part(record.parent_id), 0
    return {channel: _history(writes, channel, seeds) for channel, writes in newest_first.items()}


def _reader_of(
    context: Context, keys: ThreadKeys, target: Target, member: bytes
) -> Operation[Reader]:
    """Fetch what a member, listed or an ancestor, refers to in the log."""
    interval = members_from(member[: split_address(member, 2, 1)[1]])
    page = yield from read_page(context, keys, target.thread_id, interval, 1)
    copy = page.copy if page else ThreadCopy("")
    return Reader(context, target.thread_id, copy)


def _history(
    newest_first: list[PendingWrite], channel: str, seeds: Mapping[str, Any]
) -> DeltaChannelHistory:
    history: DeltaChannelHistory = {"writes": newest_first[::-1]}
    if channel in seeds:
        history["seed"] = seeds[channel]
    return history
