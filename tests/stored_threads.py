"""What lies on a server, as another client sees it: keys, deadlines, bytes."""

from __future__ import annotations

import re
from typing import Any

import redis

FOUR_KEYS = {"head", "checkpoints", "writes", "log"}

_KEY = re.compile(rb"(.*:\{.*\}):(\w+)", re.DOTALL)

# One script is one moment: nothing happens on the server while it looks.
_LOOK = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seen = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  local at
  if ARGV[2] == 'exact' then
    at = redis.call('PEXPIRETIME', key)
  else
    at = redis.call('PTTL', key)
    if at >= 0 then at = now + at end
  end
  seen[#seen + 1] = key
  seen[#seen + 1] = at
end
return {now, seen}
"""

Deadlines = dict[str, int]
"""Each key of a thread, by the last part of its name, and when it expires, -1 for never."""


class Onlooker:
    """Looks at all threads of a server at one moment, again and again.

    `slack` is what the deadlines of one thread may differ by for no fault of its own, in
    milliseconds: Redis before 7.0 tells the remaining time, not the deadline.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._look = client.register_script(_LOOK)
        self._exact = b"PEXPIRETIME" in client.execute_command("COMMAND INFO", "PEXPIRETIME") or (
            int(client.info("server")["redis_version"].split(".")[0]) >= 7
        )
        self.slack = 0 if self._exact else 100
        self.now = 0

    def threads(self) -> dict[bytes, Deadlines]:
        self.now, seen = self._look(args=["*", "exact" if self._exact else ""])
        found: dict[bytes, Deadlines] = {}
        for key, at in zip(seen[::2], seen[1::2], strict=True):
            match = _KEY.fullmatch(key)
            assert match, f"{key!r} is no key of a thread"
            found.setdefault(match[1], {})[match[2].decode()] = at
        return found

    def thread(self) -> Deadlines:
        """The deadlines of the only thread on the server, which are one."""
        ((_, deadlines),) = self.threads().items()
        assert_one_deadline(deadlines, self.slack)
        return deadlines

    def remaining(self) -> float | None:
        """How many seconds the only thread on the server has left, `None` if for ever."""
        deadline = self.thread()["head"]
        return None if deadline == -1 else (deadline - self.now) / 1000


def assert_one_deadline(deadlines: Deadlines, slack: int) -> None:
    assert "head" in deadlines, deadlines
    assert set(deadlines) <= FOUR_KEYS, deadlines
    never = {at == -1 for at in deadlines.values()}
    assert len(never) == 1, f"some keys never expire: {deadlines}"
    spread = max(deadlines.values()) - min(deadlines.values())
    assert spread <= slack, deadlines


def shorten(client: redis.Redis, seconds: float) -> None:
    """Let everything on the server expire in so many seconds, as if time had passed."""
    at = int(client.time()[0] * 1000 + seconds * 1000)
    with client.pipeline() as pipeline:
        for key in client.keys("*"):
            pipeline.pexpireat(key, at)
        pipeline.execute()


def bytes_received(client: redis.Redis) -> int:
    """How many bytes the server has ever been sent."""
    info: dict[str, Any] = client.info("stats")
    return info["total_net_input_bytes"]


def bytes_held(client: redis.Redis) -> int:
    """How much memory the keys on the server take."""
    return sum(client.memory_usage(key, samples=0) or 0 for key in client.keys("*"))
