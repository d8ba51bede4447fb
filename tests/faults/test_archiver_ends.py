"""A process ends, or is forked, while its archiver works or before its archive is closed."""

import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
from raw_checkpoints import config_of, values_at
from servers.proxy import SlowProxy

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.operations.queue import Backlog

EMPTY = Backlog(0, 0, 0, 0, [], None)

PROGRAM = """
import sys, time
from datetime import timedelta
from graphs import chat_graph, says
from langgraph_dualstore import DualStoreSaver

url, dsn, end = sys.argv[1:]
saver = DualStoreSaver.from_conn_string(
    url,
    dsn,
    archive_delay=timedelta(milliseconds=20),
    archive_lease=timedelta(seconds=1),
    drain_timeout=timedelta(seconds=1),
)
graph = chat_graph(saver)
for turn in range(3):
    graph.invoke(says(f"{turn}"), {"configurable": {"thread_id": "thread"}})
print("written", flush=True)
sys.stdin.readline()
graph.invoke(says("3"), {"configurable": {"thread_id": "thread"}})
time.sleep(0.1)  # it is being archived
def leave():
    sys.exit(0)
if end == "sys.exit":
    leave()
"""


@pytest.fixture
def archive(postgres_dsn):
    archive = PostgresArchive(postgres_dsn)
    archive.setup()
    yield archive
    archive.close()


def run(program, tmp_path, *arguments):
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "ignore", "-c", program, *arguments],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("end", "postgres"),
    [
        ("the last line", "there"),
        ("the last line", "refusing"),
        ("sys.exit", "there"),
        ("sys.exit", "slow"),
    ],
)
def test_a_process_ends_at_once_and_loses_nothing(
    redis_url, postgres_dsn, archive, tmp_path, end, postgres
):
    parts = urlsplit(postgres_dsn)
    with SlowProxy(parts.hostname, parts.port) as proxy:
        process = run(PROGRAM, tmp_path, redis_url, proxy.url_of(postgres_dsn), end)
        assert process.stdout.readline() == "written\n"
        proxy.delay = 30 if postgres == "slow" else 0
        proxy.refuse = postgres == "refusing"
        if proxy.refuse:
            proxy.cut()
        began = time.monotonic()
        _, errors = process.communicate("go on\n", timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in errors  # that PostgreSQL is away may be logged
        assert errors == "" or postgres != "there"
        assert time.monotonic() - began < 5
    with DualStoreSaver.from_conn_string(redis_url, archive=archive) as another:
        assert another.flush(10)
        assert another.backlog() == EMPTY
    contents = [found.row.content for found in archive.messages("thread")]
    assert contents == [text for n in range(4) for text in (f"{n}", f"{n + 1}: {n}")]


FORKING = """
import os, sys, time, traceback
from datetime import timedelta
from graphs import chat_graph, says
from langgraph_dualstore import DualStoreSaver

url, dsn = sys.argv[1:]
saver = DualStoreSaver.from_conn_string(url, dsn, archive_delay=timedelta(milliseconds=5))
graph = chat_graph(saver)

def chat(name, turns):
    for turn in range(turns):
        graph.invoke(says(f"{turn}"), {"configurable": {"thread_id": name}})
        time.sleep(0.01)

chat("before", 5)
children = []
for number in range(3):
    graph.invoke(says("again"), {"configurable": {"thread_id": "before"}})
    child = os.fork()  # the archiver works, and holds connections and locks
    if child == 0:
        try:
            chat(f"child {number}", 10)
            saver.close()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    children.append(child)
chat("parent", 10)
codes = [os.waitpid(child, 0)[1] for child in children]
chat("parent", 1)
saver.close()
assert codes == [0, 0, 0], codes
"""


def test_parent_and_children_all_archive(redis_url, postgres_dsn, archive, tmp_path):
    process = run(FORKING, tmp_path, redis_url, postgres_dsn)
    said = process.communicate(timeout=40)
    assert (process.returncode, *said) == (0, "", "")
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as fresh:
        assert fresh.backlog() == EMPTY
        for name, turns in {
            "before": 8,
            "parent": 11,
            **{f"child {n}": 10 for n in range(3)},
        }.items():
            assert values_at(fresh, config_of(name))["turns"] == turns
            assert len(archive.messages(name, include_removed=False)) == len(
                values_at(fresh, config_of(name))["messages"]
            )


READING = """
import atexit, sys
from psycopg_pool import ConnectionPool

@atexit.register  # the first to be registered is the last to be called
def end():
    print("closed" if given.closed else "open")
    given.close()

from langgraph_dualstore.cold import PostgresArchive

given = ConnectionPool(sys.argv[1], min_size=1, open=True)
archives = [PostgresArchive(source) for source in (sys.argv[1], given)]
for archive in archives:
    assert archive.marks(["thread"]) == {}
"""


def test_an_archive_that_nobody_closes_closes_its_own_pool_and_no_other(
    postgres_dsn, archive, tmp_path
):
    process = run(READING, tmp_path, postgres_dsn)
    said = process.communicate(timeout=30)
    assert (process.returncode, *said) == (0, "open\n", "")
