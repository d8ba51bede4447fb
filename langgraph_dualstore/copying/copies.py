"""What became of a thread that was to be copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["copied", "unchanged", "ahead", "deleted", "failed"]
"""`copied`: it is there now, and was read back and compared. `unchanged`: it was there already.
`ahead`: the target went on with it, so it was left alone. `deleted`: it was deleted in the
target, and was left alone, too. `failed`: see `Copy.problem`."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What became of a thread.

    Attributes:
        thread_id: The thread.
        outcome: What was done; with a dry run, what would be.
        checkpoints: How many the source has.
        writes: How many pending writes they have.
        archived: Whether the archive has it as it was copied.
        evicted: Whether Redis no longer has it, because the archive does.
        problem: Why it failed, or was left alone.
    """

    thread_id: str
    outcome: Outcome
    checkpoints: int = 0
    writes: int = 0
    archived: bool = False
    evicted: bool = False
    problem: str | None = None
