"""How much work a run does: a full run, a quick one, and the smallest that touches everything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sizes that do not change what is measured, only how often; and the lengths of the lists.

    Attributes:
        rounds: Measured rounds; one more is run first and thrown away.
        threads: Conversations prepared and measured per round in the ``turn`` and ``sends`` cases.
        long_threads: The same where a conversation holds 1000 messages.
        calls: Calls measured per round in the ``put`` and ``get_tuple`` cases.
        turn_lengths: Messages that the thread of a chat turn already holds.
        listed: Checkpoints that ``list`` returns.
        sends: Parallel ``Send`` tasks.
        clients: Conversations that run at the same time.
        client_turns: Turns of each of them.
        best: A round's value is its quickest call, not the median of its calls.
        stored_turns: Turns after which stored and sent bytes are counted.
    """

    rounds: int
    threads: int
    long_threads: int
    calls: int
    turn_lengths: tuple[int, ...] = (2, 50, 200, 1000)
    read_length: int = 200
    listed: int = 200
    sends: int = 20
    clients: int = 50
    client_turns: int = 4
    stored_turns: int = 100
    best: bool = False


FULL = Scale(rounds=15, threads=8, long_threads=4, calls=12)
QUICK = Scale(rounds=5, threads=3, long_threads=2, calls=6, client_turns=2)
SMOKE = Scale(
    rounds=1,
    threads=1,
    long_threads=1,
    calls=1,
    read_length=20,
    listed=8,
    sends=4,
    clients=4,
    client_turns=1,
    stored_turns=3,
)
"""Its numbers mean nothing; it shows that every scenario runs. Lengths of turns stay as they are."""
