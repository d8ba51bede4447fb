"""What a saver tells Prometheus.

Example:
    ```python
    from prometheus_client import REGISTRY

    REGISTRY.register(SaverCollector(saver))
    ```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from langgraph_dualstore.counters import Counters
from langgraph_dualstore.errors import DualStoreError
from langgraph_dualstore.health import Stats
from langgraph_dualstore.watching import Watching

_START = "langgraph_dualstore_"

_COUNTERS = {
    "puts": "Checkpoints stored.",
    "repeated_puts": "Checkpoints sent again, whole, because Redis had lost something.",
    "round_trips": "Exchanges with Redis.",
    "bytes_sent": "Bytes of commands sent to Redis.",
    "bytes_saved": "Bytes of values not sent because Redis had them already.",
    "archived_threads": "How many times a thread was archived.",
    "archived_messages": "Messages that were new to the archive, or had changed.",
    "archive_retries": "How many times archiving was put off because a server failed.",
    "restores": "Threads brought back from the archive.",
}


class SaverCollector(Collector):
    """A saver's metrics, gathered whenever Prometheus asks.

    Counters are this process's. The gauges of the queue are the same in every process, so
    take the greatest: asking for them is one exchange with Redis. If that fails, `hot_up` is 0
    and they are left out.

    Args:
        saver: The saver.
    """

    def __init__(self, saver: Watching) -> None:
        self._saver = saver

    def describe(self) -> Iterator[Metric]:
        """Yield what there will be, without asking."""
        yield from _counted(Counters())
        yield GaugeMetricFamily(f"{_START}hot_up", "Whether Redis answers.")

    def collect(self) -> Iterator[Metric]:
        """Yield what there is."""
        yield from _counted(self._saver.counters)
        up = f"{_START}hot_up", "Whether Redis answers."
        try:
            stats = self._saver.stats()
        except DualStoreError:
            yield GaugeMetricFamily(*up, value=0)
            return
        yield GaugeMetricFamily(*up, value=1)
        yield from _queued(stats)


def _counted(counters: Counters) -> Iterator[Metric]:
    for field in fields(Counters):
        value = getattr(counters, field.name)
        yield CounterMetricFamily(f"{_START}{field.name}", _COUNTERS[field.name], value=value)


def _queued(stats: Stats) -> Iterator[Metric]:
    threads = GaugeMetricFamily(
        f"{_START}threads",
        "Threads that wait to be archived (queued), now (due), that workers have taken on "
        "(leased), or that were set aside (dead).",
        labels=["state"],
    )
    for state, count in (
        ("queued", stats.queued),
        ("due", stats.due),
        ("leased", stats.leased),
        ("dead", stats.dead_letters),
    ):
        threads.add_metric([state], count)
    yield threads
    yield GaugeMetricFamily(
        f"{_START}archive_lag_seconds",
        "For how long the first thread has been due to be archived.",
        value=stats.lag.total_seconds(),
    )
