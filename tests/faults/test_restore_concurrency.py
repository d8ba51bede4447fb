"""Many ask for a thread at once that has left Redis: it comes back once, and whole."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from conversations import message, messages
from graphs import chat_graph, says
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of, found_at
from tuple_comparison import assert_same

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.archive import ThreadArchive
from langgraph_dualstore.cold import PostgresArchive

AT_ONCE = 8
ROUNDS = 5


class Watched(PostgresArchive):
    """Knows what it was handed."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, max_size=AT_ONCE)
        self.archives: list[ThreadArchive] = []

    def archive(self, threads):
        self.archives += threads
        return super().archive(threads)


@pytest.fixture
def archive(postgres_dsn):
    archive = Watched(postgres_dsn)
    archive.setup()
    yield archive
    archive.close()


def opened(url, archive):
    return DualStoreSaver.from_conn_string(
        url, archive=archive, run_archiver=False, archive_delay=timedelta(hours=20)
    )


@pytest.fixture
def saver(redis_url, archive):
    with opened(redis_url, archive) as saver:
        yield saver


def put(saver, n, said, parent=None):
    made = checkpoint_of(checkpoint_id(n), {"messages": said}, {"messages": n})
    made["ts"] = f"2024-05-04T06:32:{n:02}+00:00"
    return saver.put(parent or config_of(), made, {"source": "loop", "step": n}, {"messages": n})


def archived(saver, client):
    """The newest checkpoint of a thread that is in the archive alone."""
    parent = None
    for n in range(1, 6):
        parent = put(saver, n, messages(n + 1)[n // 2 :], parent)
    saver.put_writes(parent, [("other", 1)], "task")
    hot = found_at(saver, parent)
    assert saver.archive_thread("thread") == "archived"
    client.flushdb()
    return hot


def assert_once(client):
    heads = client.keys("*:head")
    assert heads == [b"langgraph:state:{thread}:head"]
    assert client.ttl(heads[0]) > 80_000
    assert client.hget(heads[0], "rev") == b"1"


@pytest.mark.parametrize("savers", ["one saver", "a saver each"])
def test_threads_of_a_process_see_the_same(redis_url, redis_client, archive, saver, savers):
    hot = archived(saver, redis_client)
    each = [saver] * AT_ONCE
    if savers == "a saver each":
        each = [opened(redis_url, archive) for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(ROUNDS):
            redis_client.flushdb()
            barrier = threading.Barrier(AT_ONCE)

            def ask(saver, barrier=barrier):
                barrier.wait()
                return saver.get_tuple(config_of())

            for found in pool.map(ask, each):
                assert_same([found], [hot])
            assert_once(redis_client)
    for one in each:
        one.close()


async def test_tasks_of_a_loop_see_the_same(redis_client, saver):
    hot = archived(saver, redis_client)
    for _ in range(ROUNDS):
        redis_client.flushdb()
        for found in await asyncio.gather(*[saver.aget_tuple(config_of()) for _ in range(AT_ONCE)]):
            assert_same([found], [hot])
        assert_once(redis_client)
    await saver.aclose()


# Tells what it sees whenever it is told to look.
PROGRAM = """
import sys
from langgraph_dualstore import DualStoreSaver
from raw_checkpoints import config_of
url, dsn = sys.argv[1:]
with DualStoreSaver.from_conn_string(url, dsn, run_archiver=False) as saver:
    saver.get_tuple(config_of("another"))
    print("ready", flush=True)
    for line in sys.stdin:
        found = saver.get_tuple(config_of())
        values = found.checkpoint["channel_values"]
        print([message.id for message in values["messages"]], found.pending_writes, flush=True)
"""


def test_two_processes_see_the_same(redis_url, redis_client, postgres_dsn, saver, tmp_path):
    hot = archived(saver, redis_client)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, redis_url, postgres_dsn],
            env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    expected = f"{[said.id for said in hot.checkpoint['channel_values']['messages']]} "
    for _ in range(4 * ROUNDS):
        redis_client.flushdb()
        for process in processes:
            process.stdin.write("look\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout.readline() == f"{expected}{hot.pending_writes}\n"
        assert_once(redis_client)
        assert_same([found_at(saver, config_of())], [hot])
    for process in processes:
        process.communicate(timeout=10)
        assert process.returncode == 0


def test_a_user_goes_on_while_others_ask(redis_url, redis_client, archive, saver):
    """What is put right after the restore is not undone by one that comes later."""
    graph = chat_graph(saver)
    others = [opened(redis_url, archive) for _ in range(AT_ONCE - 1)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for turn in range(1, ROUNDS + 1):
            barrier = threading.Barrier(AT_ONCE)

            def ask(saver, barrier=barrier):
                barrier.wait()
                return saver.get_tuple(config_of())

            asked = [pool.submit(ask, other) for other in others]
            barrier.wait()
            state = graph.invoke(says(f"{turn}"), config_of())
            assert len(state["messages"]) == 2 * turn
            for future in asked:
                found = future.result()
                if turn > 1:
                    # As it was archived, or after any step of this turn.
                    said = found.checkpoint["channel_values"]["messages"]
                    assert 2 * turn - 2 <= len(said) <= 2 * turn
            assert saver.archive_thread("thread") == "archived"
            redis_client.flushdb()
    for other in others:
        other.close()
    contents = [found.row.content for found in archive.messages("thread")]
    assert contents == [
        text for turn in range(1, ROUNDS + 1) for text in (f"{turn}", f"{turn}: {turn}")
    ]
    assert {len(one.messages) for one in archive.archives} == {2}


def test_what_is_archived_after_a_restore_is_what_is_new(redis_client, archive, saver):
    """Its log is another one than that of which the archive has pieces."""
    hot = archived(saver, redis_client)
    said = hot.checkpoint["channel_values"]["messages"]
    for n in range(6, 12):
        parent = found_at(saver, config_of()).config
        said = [*said[n % 2 :], message(n + 1)]
        hot = found_at(saver, put(saver, n, said, parent))
        del archive.archives[:]
        assert saver.archive_thread("thread") == "archived"
        (handed_in,) = archive.archives
        if n % 2 == 0:  # the list only grew
            assert [row.key for row in handed_in.messages] == [f"m{n + 1}"]
        redis_client.flushdb()
        assert_same([found_at(saver, config_of())], [hot])
    keys = [found.row.key for found in archive.messages("thread")]
    assert keys == [f"m{n}" for n in range(1, 13)]
