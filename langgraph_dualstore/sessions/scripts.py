"""The Lua scripts of sessions: scripts are what both drivers run, sync and async."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from langgraph_dualstore.hot.scripts import Script


def _load(name: str) -> Script:
    source = (files(__package__) / "scripts" / f"{name}.lua").read_text(encoding="utf-8")
    # Redis names scripts by SHA-1; nothing secret hangs on it.
    sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    return Script(f"session {name}", source, sha)


READ = _load("read")
WRITE = _load("write")
EXTEND = _load("extend")
DELETE = _load("delete")
