"""Archiving many threads at once, and a bare COPY of the same rows into the same tables."""

from __future__ import annotations

from time import perf_counter

import psycopg

from benchmarks.archive.measure import Row
from benchmarks.archive.setting import Setting
from benchmarks.dialogs import history
from benchmarks.graphs import chat_graph, thread_config
from benchmarks.results import Spread

BOUND = 0.5
THREADS = 150
MESSAGES = 40
TABLES = ("prompt_sessions", "prompt_messages", "prompt_turns", "prompt_entries")


def bulk(setting: Setting, rounds: int) -> list[Row]:
    with setting.saver("bulk", run_archiver=False) as saver:
        pairs: list[tuple[float, float]] = []
        for number in range(rounds + 1):
            setting.clear()
            graph = chat_graph(saver, asynchronous=False)
            for thread in range(THREADS):
                config = thread_config(f"{number} {thread}")
                graph.update_state(config, {"messages": history(MESSAGES, thread)}, "model")
            start = perf_counter()
            assert saver.flush(timeout=120), "not everything is archived"
            archived = _rows(setting) / (perf_counter() - start)
            pairs.append((_copied(setting), archived))
    copies, archives = zip(*pairs[1:], strict=True)
    values = (
        f"{Spread.of(copies).median:,.0f} rows/s by COPY, "
        f"{Spread.of(archives).median:,.0f} rows/s archived"
    )
    ratio = Spread.of([archived / copied for copied, archived in pairs[1:]])
    what = f"archiving {THREADS} threads of {MESSAGES} messages"
    return [Row(what=what, values=values, ratio=ratio, bound=BOUND, at_least=True)]


def _rows(setting: Setting) -> int:
    return sum(setting.one(f"select count(*) from {table}") for table in TABLES)


def _copied(setting: Setting) -> float:
    """Rows per second of a COPY of what the tables hold, into the same tables, emptied."""
    total = _rows(setting)
    with psycopg.connect(setting.postgres_url, autocommit=True) as connection:
        data: dict[str, list[bytes]] = {}
        for table in TABLES:
            with connection.cursor().copy(f"copy {table} to stdout") as out:
                data[table] = [bytes(block) for block in out]
        setting.clear()
        start = perf_counter()
        with connection.transaction(), connection.cursor() as cursor:
            for table in TABLES:
                with cursor.copy(f"copy {table} from stdin") as into:
                    for block in data[table]:
                        into.write(block)
        return total / (perf_counter() - start)
