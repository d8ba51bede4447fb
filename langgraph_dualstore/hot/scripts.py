"""The Lua scripts, each a file with one job, loaded once.

A line `-- include NAME` in a script is replaced by `scripts/NAME.lua`: Redis offers
scripts no way to share code.
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


def _read(name: str) -> str:
    text = (files(__package__) / "scripts" / f"{name}.lua").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: _read(found[1]), text)


def _load(name: str) -> Script:
    source = _read(name)
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
