"""A cluster, a Sentinel's master, TLS, and a user with few rights."""

import time

import pytest
import redis
import redis.asyncio
from async_twins import AsyncTwins, opened
from conversations import message, messages, talk
from raw_checkpoints import config_of, ids_in, put, values_at
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.sentinel import Sentinel
from whole_api import use_everything

from langgraph_dualstore import DualStoreSaver, HotStoreError, HotStoreUnavailable

CLUSTER_OPTIONS = {
    "as they come": {},
    "decoding": {"decode_responses": True},
    "RESP3": {"protocol": 3},
    "reading from replicas": {
        "load_balancing_strategy": redis.cluster.LoadBalancingStrategy.RANDOM
    },
}


@pytest.fixture(params=CLUSTER_OPTIONS)
def sync_cluster(request, redis_cluster):
    with redis.RedisCluster.from_url(redis_cluster.url, **CLUSTER_OPTIONS[request.param]) as client:
        yield client


@pytest.fixture(params=CLUSTER_OPTIONS)
def async_cluster(request, redis_cluster):
    """A saver's async API on a cluster."""
    options = CLUSTER_OPTIONS[request.param]
    client = redis.asyncio.RedisCluster.from_url(redis_cluster.url, **options)
    api = AsyncTwins(DualStoreSaver(client))
    yield api
    api.loop.run(client.aclose())
    api.close()


def sizes(cluster):
    """How many keys each node has."""
    found = []
    for node in cluster.nodes:
        with node.client() as client:
            found.append(client.dbsize())
    return found


def test_a_blocking_cluster_client_serves_both_apis(redis_cluster, sync_cluster):
    saver = DualStoreSaver(sync_cluster)
    use_everything(saver, threads=8)
    api = AsyncTwins(saver)
    use_everything(api, threads=3)
    api.close()
    assert sizes(redis_cluster) == [0, 0, 0]


def test_an_asyncio_cluster_client_serves_the_async_api(redis_cluster, async_cluster):
    use_everything(async_cluster, threads=8)
    assert sizes(redis_cluster) == [0, 0, 0]


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_what_concerns_all_threads_concerns_those_of_all_nodes(redis_cluster, methods):
    """Listing and deleting by run; each thread is on one node."""
    with redis.RedisCluster.from_url(redis_cluster.url) as client:
        saver = DualStoreSaver(client)
        api = saver if methods == "sync" else AsyncTwins(saver)
        names = [f"thread {n}" for n in range(30)]
        for name in names:
            talk(api, 1, thread_id=name, metadata={"run_id": "run", "even": len(name) % 2 == 0})
            talk(api, 1, start=2, thread_id=name, metadata={"run_id": "another"})
        assert min(sizes(redis_cluster)) >= 4
        assert sum(sizes(redis_cluster)) == 4 * len(names)
        for name in names:
            slots = {
                client.cluster_keyslot(f"langgraph:state:{{{name}}}:{part}")
                for part in ("head", "checkpoints", "writes", "log")
            }
            assert len(slots) == 1
        found = list(api.list(None))
        assert {item.config["configurable"]["thread_id"] for item in found} == set(names)
        assert len(found) == 60
        assert len(list(api.list(None, limit=7))) == 7
        api.delete_for_runs(["run"])
        assert len(list(api.list(None))) == 30
        api.delete_for_runs(["another"])
        assert sizes(redis_cluster) == [0, 0, 0]


def test_a_copy_and_a_prune_reach_other_nodes(redis_cluster):
    with redis.RedisCluster.from_url(redis_cluster.url) as client:
        saver = DualStoreSaver(client)
        talk(saver, 5)
        for n in range(12):
            saver.copy_thread("thread", f"copy {n}")
        assert min(sizes(redis_cluster)) >= 4
        saver.prune(["thread", *(f"copy {n}" for n in range(12))])
        for n in range(12):
            assert values_at(saver, config_of(f"copy {n}"))["messages"] == messages(5)
            assert len(ids_in(saver.list(config_of(f"copy {n}")))) == 1
        saver.prune(["thread", *(f"copy {n}" for n in range(12))], strategy="delete")
        assert sizes(redis_cluster) == [0, 0, 0]


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_a_thread_that_moves_to_another_node_goes_on(redis_cluster, methods):
    """Its slot is migrated, as happens when a cluster grows."""
    with redis.RedisCluster.from_url(redis_cluster.url) as client:
        saver = DualStoreSaver(client)
        api = saver if methods == "sync" else AsyncTwins(saver)
        last = talk(api, 3)
        slot = client.cluster_keyslot("langgraph:state:{thread}:head")
        owner = client.get_node_from_key("langgraph:state:{thread}:head")
        source = next(node for node in redis_cluster.nodes if node.port == owner.port)
        target = next(node for node in redis_cluster.nodes if node is not source)
        try:
            move_slot(redis_cluster, slot, source, target)
            last = put(api, 4, {"messages": messages(4)}, parent=last)
            assert values_at(api, last) == {"messages": messages(4)}
            assert values_at(DualStoreSaver(client), last) == {"messages": messages(4)}
            assert len(list(api.list(config_of()))) == 4
        finally:
            move_slot(redis_cluster, slot, target, source)


def move_slot(cluster, slot, source, target):
    with source.client() as giving, target.client() as taking:
        ids = {
            node: client.execute_command("CLUSTER", "MYID").decode()
            for node, client in ((source, giving), (target, taking))
        }
        taking.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        giving.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        keys = giving.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
        if keys:
            host, port = target.address
            giving.execute_command("MIGRATE", host, port, "", 0, 5000, "KEYS", *keys)
        for client in (taking, giving):
            client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        for node in cluster.nodes:
            if node not in (source, target):
                with node.client() as client:
                    client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])


def test_a_url_of_a_cluster_says_that_a_cluster_client_is_needed(redis_cluster):
    """A plain client is sent on to other nodes and does not go."""
    with redis.RedisCluster.from_url(redis_cluster.url) as client:
        owner = client.get_node_from_key("langgraph:state:{thread}:head")
    node = next(node for node in redis_cluster.nodes if node.port != owner.port)
    with (
        DualStoreSaver.from_conn_string(node.url) as saver,
        pytest.raises(HotStoreError, match=r"(?i)cluster"),
    ):
        talk(saver, 1)


def test_through_a_failover_of_a_sentinels_master_both_apis_go_on(redis_sentinel):
    """What was put before is there, or was not replicated; what is put after is complete."""
    options = {"socket_timeout": 2}
    blocking = Sentinel(redis_sentinel.sentinels, sentinel_kwargs=options).master_for(
        redis_sentinel.service, **options
    )
    asynchronous = AsyncSentinel(redis_sentinel.sentinels, sentinel_kwargs=options).master_for(
        redis_sentinel.service, **options
    )
    saver = DualStoreSaver(asynchronous, blocking)
    api = AsyncTwins(saver)
    use_everything(saver, threads=1)
    use_everything(api, threads=1)
    last = {name: talk(each, 3, thread_id=name) for name, each in (("s", saver), ("a", api))}
    redis_sentinel.master.kill()
    with pytest.raises(HotStoreError):
        saver.get_tuple(config_of("s"))
    redis_sentinel.await_master(redis_sentinel.replica)
    for name, each in (("s", saver), ("a", api)):
        last[name] = until_it_works(
            lambda name=name, each=each: put(
                each, 4, {"messages": messages(4)}, parent=last[name], thread_id=name
            )
        )
        last[name] = put(each, 5, {"messages": messages(5)}, parent=last[name], thread_id=name)
    with DualStoreSaver.from_conn_string(redis_sentinel.replica.url) as fresh:
        for name, config in last.items():
            assert values_at(fresh, config) == {"messages": messages(5)}
            for found in fresh.list(config_of(name)):
                said = found.checkpoint["channel_values"]["messages"]
                assert said == messages(len(said))
    blocking.close()
    api.loop.run(asynchronous.aclose())
    api.close()


def until_it_works(call, patience=10.0):
    deadline = time.monotonic() + patience
    while True:
        try:
            return call()
        except HotStoreUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_tls(tls_server, methods):
    with opened(tls_server.url, methods) as saver:
        use_everything(saver, threads=1)
    valkeys = tls_server.url.replace("rediss://", "valkeys://")
    with opened(valkeys, methods) as saver:
        talk(saver, 1)


def test_a_server_whose_certificate_is_not_trusted_is_not_talked_to(tls_server):
    with opened(tls_server.bare_url, "async") as saver, pytest.raises(HotStoreError) as caught:
        saver.put_writes(config_of(id="1"), [("secret", "s3cret")], "task")
    assert "certificate" in str(caught.value).lower()


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_a_user_with_rights_to_its_own_keys_only(acl_server, methods):
    with opened(acl_server.url, methods) as saver:
        use_everything(saver, threads=2)
    with (
        opened(acl_server.url, methods, prefix="elsewhere") as saver,
        pytest.raises(HotStoreError) as caught,
    ):
        put(saver, 1, {"messages": [message(1)]})
    assert not isinstance(caught.value, HotStoreUnavailable)
    with redis.Redis.from_url(acl_server.admin_url) as admin:
        assert admin.dbsize() == 0
