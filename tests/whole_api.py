"""Calls everything that a saver offers and checks what comes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from conversations import messages, talk
from raw_checkpoints import config_of, found_at, put, values_at, writes_at

# Bytes that are no text, and text that is much of what a protocol might trip over.
ODD = {"bytes": bytes(range(256)) * 5, "text": "\r\n$5\r\n naïve 🎉 \x00 " * 20, "none": None}


def use_everything(saver: Any, *, threads: int = 3) -> None:
    """By the sync methods, or `AsyncTwins` of the async ones. Leaves nothing behind."""
    names = [f"thread {n} {{🎉}}" for n in range(threads)]
    for name in names:
        run = {"run_id": "run", "name": name}
        last = talk(saver, 3, thread_id=name, metadata=run)
        said = {"messages": messages(4), "count": 4, **ODD}
        last = put(saver, 4, said, parent=last, thread_id=name, metadata=run)
        talk(saver, 2, thread_id=name, ns="child:1", metadata={"run_id": "other"})
        saver.put_writes(last, [("count", b"\xff\x00"), ("messages", messages(1))], "task")
        assert values_at(saver, config_of(name)) == said
        assert writes_at(saver, last) == [
            ("task", "count", b"\xff\x00"),
            ("task", "messages", messages(1)),
        ]
        assert len(list(saver.list(config_of(name)))) == 4
        assert len(list(saver.list(config_of(name, ns=None)))) == 6
        assert len(list(saver.list(config_of(name), before=last, limit=2))) == 2
        assert saver.ttl_of(name) > timedelta(hours=23)
        assert saver.extend_ttl(name, timedelta(hours=30))
        assert saver.pin(name)
        assert saver.ttl_of(name) is None
        assert saver.unpin(name)
        history = saver.get_delta_channel_history(config=last, channels=["bytes", "count"])
        assert history["count"]["seed"] == 3
        assert history["bytes"]["writes"] == []
    saver.check()
    assert saver.health().hot.threads == threads
    assert saver.health().problems == ()
    assert saver.stats().puts >= 6 * threads
    assert len(list(saver.list(None))) == 6 * threads
    assert len(list(saver.list(None, filter={"name": names[-1]}))) == 4
    saver.copy_thread(names[0], "copy")
    assert (
        found_at(saver, config_of("copy")).checkpoint
        == found_at(saver, config_of(names[0])).checkpoint
    )
    saver.prune(["copy"])
    assert len(list(saver.list(config_of("copy", ns=None)))) == 2
    saver.prune(["copy"], strategy="delete")
    saver.delete_for_runs(["run"])
    assert len(list(saver.list(None))) == 2 * threads
    for name in names:
        saver.delete_thread(name)
        assert saver.get_tuple(config_of(name)) is None
    assert list(saver.list(None)) == []
