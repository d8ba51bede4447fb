"""Archiving on a cluster, where a queue and a thread lie on different nodes."""

import pytest
import redis
import redis.asyncio
from async_twins import AsyncTwins
from graphs import chat_graph, says
from memory_archive import MemoryArchive
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.hot.keys import thread_keys


@pytest.fixture(params=[{}, {"decode_responses": True}, {"protocol": 3}], ids=str)
def cluster_client(request, redis_cluster):
    with redis.RedisCluster.from_url(redis_cluster.url, **request.param) as client:
        yield client


def test_finished_threads_leave_the_queues_and_come_back(redis_cluster, cluster_client):
    archive = MemoryArchive()
    with DualStoreSaver(cluster_client, archive=archive, run_archiver=False) as saver:
        graph = chat_graph(saver)
        configs = [{"configurable": {"thread_id": f"thread {n}"}} for n in range(10)]
        for config in configs:
            graph.invoke(says("hello"), config)
        assert saver.flush()
        states = [graph.get_state(config) for config in configs]
        assert saver.backlog()[:3] == (0, 0, 0)
        assert all(archive.status(f"thread {n}") == "finished" for n in range(10))

        redis_cluster.flush()
        assert [graph.get_state(config) for config in configs] == states
        graph.invoke(says("and again"), configs[3])
        assert saver.flush()
        assert len(archive.contents("thread 3")) == 4
        for n in range(10):
            saver.delete_thread(f"thread {n}")
        assert saver.backlog() == (0, 0, 0, 0, [], None)


def test_the_async_api_queues_on_a_cluster_too(redis_cluster, cluster_client):
    archive = MemoryArchive()
    async_client = redis.asyncio.RedisCluster.from_url(redis_cluster.url)
    saver = DualStoreSaver(cluster_client, async_client, archive=archive, run_archiver=False)
    twins = AsyncTwins(saver)
    checkpoint = checkpoint_of(checkpoint_id(1), {"a": "b"}, {"a": 1})
    twins.put(config_of(), checkpoint, {"source": "loop"}, {"a": 1})
    assert twins.backlog().queued == 1
    assert twins.flush()
    assert archive.status("thread") == "finished"
    redis_cluster.flush()
    assert twins.get_tuple(config_of()).checkpoint["channel_values"] == {"a": "b"}
    twins.loop.run(async_client.aclose())
    twins.close()


class Recorder:
    """Passes commands on, and lists the first key of each."""

    def __init__(self, client):
        self.client = client
        self.keys = []
        self.before = {}

    def execute_command(self, *command, **options):
        if command[0] == "EVALSHA":  # EVAL repeats it where a node does not know the script
            key = command[3].decode()
            self.keys.append(key)
            if (todo := self.before.pop(key, None)) is not None:
                todo()
        return self.client.execute_command(*command, **options)


@pytest.fixture
def recorded(cluster_client, monkeypatch):
    recorder = Recorder(cluster_client)
    archive = MemoryArchive()
    saver = DualStoreSaver(cluster_client, archive=archive, run_archiver=False)
    driver = saver._connections._sync
    monkeypatch.setattr(driver, "_execute", recorder.execute_command)
    return saver, recorder, archive


def put(saver, n, **metadata):
    checkpoint = checkpoint_of(checkpoint_id(n), {"a": n}, {"a": n})
    config = config_of(id=checkpoint_id(n - 1) if n > 1 else None)
    saver.put(config, checkpoint, {"source": "loop", **metadata}, {"a": n})


def test_the_queue_is_written_before_the_thread(recorded):
    saver, recorder, _ = recorded
    put(saver, 1)
    queued, stored = recorder.keys
    assert queued.startswith("langgraph:state:queue:{")
    assert queued.endswith(":due")
    assert stored == "langgraph:state:{thread}:head"
    recorder.keys.clear()
    saver.put_writes(config_of(id=checkpoint_id(1)), [("a", 2)], "task")
    assert [key.rpartition(":")[2] for key in recorder.keys] == ["due", "head"]


@pytest.mark.parametrize("write", ["put", "put_writes"])
def test_a_thread_that_is_archived_between_the_two_steps_is_queued_again(recorded, write):
    saver, recorder, archive = recorded
    put(saver, 1)

    def archive_it():
        assert saver.flush()
        assert saver.backlog().queued == 0

    recorder.before[thread_keys("langgraph:state", "thread").head.decode()] = archive_it
    if write == "put":
        put(saver, 2)
    else:
        saver.put_writes(config_of(id=checkpoint_id(1)), [("a", 2)], "task")
    assert saver.backlog()[:2] == (1, 0)
    assert archive.calls.count("archive") == 1


def test_late_writes_to_a_thread_that_is_archived_between_the_two_steps_are_due(recorded):
    saver, recorder, _ = recorded
    put(saver, 1)
    put(saver, 2)
    recorder.before[thread_keys("langgraph:state", "thread").head.decode()] = saver.flush
    saver.put_writes(config_of(id=checkpoint_id(1)), [("a", 2)], "task")
    assert saver.backlog()[:2] == (1, 1)
