"""The Lua scripts, each a file with one job, loaded once.

A line `-- include NAME` in a script is replaced by `scripts/NAME.lua`, the first time
that it occurs: Redis offers scripts no way to share code.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from importlib.resources import files

_INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class Script:
    """A script and the digest by which Redis knows it."""

    name: str
    source: str = field(repr=False)
    sha: str = field(repr=False)


def _read(name: str, included: set[str]) -> str:
    text = (files(__package__) / "scripts" / f"{name}.lua").read_text(encoding="utf-8")

    def include(found: re.Match[str]) -> str:
        if found[1] in included:
            return ""
        included.add(found[1])
        return _read(found[1], included)

    return _INCLUDE.sub(include, text)


def _load(name: str) -> Script:
    source = _read(name, set())
    # Redis names scripts by SHA-1; nothing secret hangs on it.
    return Script(name, source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


PUT = _load("put")
WRITES = _load("writes")
READ = _load("read")
NEWEST = _load("newest")
HISTORY = _load("history")
DUMP = _load("dump")
REWRITE = _load("rewrite")
REMOVE = _load("remove")
FIND_RUNS = _load("find_runs")
EXPIRE = _load("expire")
PIN = _load("pin")
UNPIN = _load("unpin")
RECENT = _load("recent")
PIECES = _load("pieces")
ARCHIVED = _load("archived")
DROP = _load("drop")
EVICT = _load("evict")
QUEUE_ARM = _load("queue_arm")
QUEUE_CLAIM = _load("queue_claim")
QUEUE_RELEASE = _load("queue_release")
QUEUE_FAIL = _load("queue_fail")
QUEUE_FORGET = _load("queue_forget")
UNARCHIVED = _load("unarchived")
QUEUE_SWEEP = _load("queue_sweep")
QUEUE_LOOK = _load("queue_look")
PEEK = _load("peek")
LOG_TURN = _load("log_turn")
TURN_LOGS = _load("turn_logs")
QUEUE_WHY = _load("queue_why")
LIFETIMES = _load("lifetimes")
QUEUE_INFO = _load("queue_info")
