"""Archiving many threads at once, and a bare COPY of the same rows into the same tables.

What making the threads has left for Python's garbage collector is collected before; it stays on,
and what archiving itself makes it do is in the result.
"""

from __future__ import annotations

import gc
import json
from time import perf_counter
from typing import Any

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
            gc.collect()
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
    """Rows per second of a COPY of what the tables hold, row by row, into the emptied tables.

    The rows are Python values, as a program has them, and psycopg's COPY makes text of them.
    """
    total = _rows(setting)
    with psycopg.connect(setting.postgres_url, autocommit=True) as connection:
        data = {}
        for table in TABLES:
            cursor = connection.execute(f"select * from {table}")
            columns = [column.name for column in cursor.description or ()]
            data[table] = columns, [_values(row) for row in cursor]
        setting.clear()
        gc.collect()
        start = perf_counter()
        with connection.transaction(), connection.cursor() as cursor:
            for table, (columns, rows) in data.items():
                with cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
                    for row in rows:
                        copy.write_row(row)
        return total / (perf_counter() - start)


def _values(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(json.dumps(value) if isinstance(value, dict) else value for value in row)
