"""Threads with a delta channel, `d`: each checkpoint has a write to it, some a value."""

from raw_checkpoints import put

NO_VALUE = object()


def put_step(saver, n, parent, value=NO_VALUE, **kwargs):
    config = put(
        saver,
        n,
        {"plain": list(range(n)), **({} if value is NO_VALUE else {"d": value})},
        parent=parent,
        versions={"plain": n, "d": n},
        metadata={"counters_since_delta_snapshot": {"d": [n, n]}},
        **kwargs,
    )
    saver.put_writes(config, [("d", [n])], f"task-{n}")
    return config


def put_chain(saver, seeds, parent=None, start=1, count=6, **kwargs):
    for n in range(start, start + count):
        parent = put_step(saver, n, parent, seeds.get(n, NO_VALUE), **kwargs)
    return parent


def history_at(saver, config):
    return saver.get_delta_channel_history(config=config, channels=["d"])
