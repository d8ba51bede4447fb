"""Thousands of threads, page by page, and those of a cluster: Redis is never blocked."""

import json

import pytest
import redis
from async_twins import AsyncTwins
from cold_archives import archive_of, query
from cold_archives import opened as opened_archive
from graph_runner import thread
from graphs import chat_graph, says
from raw_checkpoints import put

from langgraph_dualstore import DualStoreSaver

MANY = 5000


@pytest.fixture
def archive(postgres_dsn):
    with opened_archive(postgres_dsn) as archive:
        yield archive


def ids(saver, **given):
    """The ids on all pages; a bound on their number keeps a mistake from turning them for ever."""
    found, after = [], None
    for _ in range(1000):
        page = saver.list_threads(after=after, **given)
        found += [info.thread_id for info in page.threads]
        after = page.next
        if after is None:
            return found
    raise AssertionError("there is no end of pages")


def talk(saver, thread_id, **configurable):
    chat_graph(saver).invoke(says("one"), thread(thread_id, **configurable))


class Counting(redis.Redis):
    """Counts commands, and what scans were told."""

    commands: list

    def execute_command(self, *command, **options):
        self.commands.append(command)
        return super().execute_command(*command, **options)


def copies(client, count):
    """Many threads in Redis that are like the one that is there."""
    dumps = [(key.decode(), client.dump(key)) for key in client.keys("langgraph:state:{seed}*")]
    pipeline = client.pipeline(transaction=False)
    for n in range(count):
        for key, data in dumps:
            pipeline.restore(key.replace("{seed}", f"{{hot {n}}}"), 0, data)
    client.delete(*(key for key, _ in dumps))
    pipeline.execute()


@pytest.fixture
def many(redis_url, redis_client, archive, postgres_dsn):
    """As many threads in each tier, one in ten of them in both."""
    with DualStoreSaver.from_conn_string(redis_url) as saver:
        talk(saver, "seed", user_id="ann")
    copies(redis_client, MANY)
    for start in range(0, MANY, 500):
        names = range(start, start + 500)
        archive.archive(
            [archive_of(f"hot {n}" if n % 10 == 0 else f"cold {n}", hour=n) for n in names]
        )
    return archive


def test_thousands_of_threads_page_by_page(many, redis_url):
    client = Counting.from_url(redis_url)
    client.commands = []
    with client, DualStoreSaver(client, archive=many, run_archiver=False) as saver:
        seen, after, turned = [], None, 0
        while turned == 0 or after:
            client.commands.clear()
            page = saver.list_threads(limit=250, after=after)
            seen += page.threads
            after, turned = page.next, turned + 1
            assert len(page.threads) <= 250
            assert after is None or len(after) < 8000
            names = {command[0] for command in client.commands}
            assert names <= {"SCAN", "EVALSHA", "EVAL"}
            scans = [command for command in client.commands if command[0] == "SCAN"]
            assert len(scans) <= 20
            assert all(command[-1] <= 1000 for command in scans)
            # A page looks at threads in chunks, not at all of them.
            assert len(client.commands) <= 25
        names = [info.thread_id for info in seen]
        assert len(names) == len(set(names)) == MANY + MANY * 9 // 10
        assert sum(info.where == "both" for info in seen) == MANY // 10
        assert turned < 60
        cold = [info.last_activity_at for info in seen if info.where == "cold"]
        assert cold == sorted(cold, reverse=True)


def test_a_filter_that_matches_little_keeps_a_page_bounded(many, redis_url):
    client = Counting.from_url(redis_url)
    client.commands = []
    with client, DualStoreSaver(client, archive=many, run_archiver=False) as saver:
        talk(saver, "needle", user_id="bob")
        after, seen, turned = None, [], 0
        while turned == 0 or after:
            client.commands.clear()
            page = saver.list_threads(user_id="bob", limit=10, after=after)
            assert sum(command[0] == "SCAN" for command in client.commands) <= 20
            seen += [info.thread_id for info in page.threads]
            after, turned = page.next, turned + 1
        assert seen == ["needle"]
        assert turned > 3


def test_the_archive_is_searched_by_its_indexes(many, postgres_dsn):
    query(postgres_dsn, "ANALYZE prompt_sessions")
    given = {"user_id": "user", "status": "finished", "since": None, "limit": 10}
    after = many.find_sessions(**given)[-1][0]
    at, id_ = json.loads(after)
    for name in ("find_sessions", "find_sessions_of_user", "find_sessions_of_status"):
        statement = many._queries[name].decode()
        for part, value in {"at": f"'{at}'", "id": str(id_), "deleted": "false"}.items():
            statement = statement.replace(f"%({part})s", value)
        for part in ("user_id", "status", "since"):
            value = "NULL" if given[part] is None else f"'{given[part]}'"
            statement = statement.replace(f"%({part})s", value)
        plan = query(postgres_dsn, "EXPLAIN " + statement.replace("%(limit)s", "10"))
        text = "\n".join(line for (line,) in plan)
        assert "Index Scan" in text, text
        assert "Seq Scan" not in text, text


def test_a_cluster_is_listed_node_by_node(redis_cluster, archive):
    client = redis.RedisCluster.from_url(redis_cluster.url)
    async_client = redis.asyncio.RedisCluster.from_url(redis_cluster.url)
    saver = DualStoreSaver(client, async_client, archive=archive, run_archiver=False)
    twins = AsyncTwins(saver)
    for n in range(40):
        put(saver, 1, {"a": n}, thread_id=f"t{n}", metadata={"user_id": "ann" if n % 2 else "bob"})
    saver.archive_thread("t1")
    for methods in (saver, twins):
        for limit in (3, 100):
            found = ids(methods, limit=limit)
            assert sorted(found) == sorted(f"t{n}" for n in range(40))
        assert len(ids(methods, user_id="ann")) == 20
        assert methods.thread("t1").where == "both"
    for methods, user in ((saver, "ann"), (twins, "bob")):
        assert len(methods.erase_user(user).thread_ids) == 20
    assert saver.list_threads() == ([], None)
    twins.loop.run(async_client.aclose())
    twins.close()
    client.close()


def test_a_client_that_decodes_lists_too(redis_url):
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        saver = DualStoreSaver(client)
        put(saver, 1, {"messages": [{"role": "user", "content": "one"}]}, thread_id="ü")
        (info,) = saver.list_threads().threads
        assert (info.thread_id, info.turn_count) == ("ü", 1)
        assert saver.log_turn("ü", 1, b"\xff".decode("latin-1"))
        assert saver.turn_logs("ü") == {1: "ÿ"}
