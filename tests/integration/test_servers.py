"""The servers that other tests rely on are what they say they are."""

from __future__ import annotations

import pytest
import redis
from redis.sentinel import Sentinel
from servers import tls
from servers.process import ServerFailed
from servers.replica import replica_of


def test_a_killed_server_comes_back_empty_on_the_same_port(own_server):
    with own_server.client() as client:
        client.set("a", 1)
    first = own_server.pid, own_server.url
    own_server.kill()
    with own_server.client() as client, pytest.raises(redis.ConnectionError):
        client.ping()
    own_server.start()
    with own_server.client() as client:
        assert client.get("a") is None
    assert own_server.url == first[1]
    assert own_server.pid != first[0]


def test_a_server_with_a_log_of_its_writes_keeps_them(start_server):
    server = start_server("appendonly yes")
    with server.client() as client:
        client.set("a", 1)
    server.restart()
    with server.client() as client:
        assert client.get("a") == b"1"


def test_a_suspended_server_does_not_answer_until_it_is_resumed(own_server):
    with own_server.client(socket_timeout=0.2) as client:
        client.ping()
        own_server.suspend()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        own_server.resume()
        assert client.ping()


def test_a_server_that_cannot_start_shows_its_log(start_server):
    with pytest.raises(ServerFailed, match="no-such-setting"):
        start_server("no-such-setting 1")


def test_a_replica_has_what_its_master_has(own_server, tmp_path):
    with own_server.client() as client:
        client.set("a", 1)
    with replica_of(own_server, tmp_path / "replica") as replica, replica.client() as client:
        assert client.get("a") == b"1"
        with pytest.raises(redis.ReadOnlyError):
            client.set("a", 2)


def test_the_databases_of_two_tests_are_apart_first(redis_client):
    assert redis_client.dbsize() == 0
    redis_client.set("left behind", 1)


def test_the_databases_of_two_tests_are_apart_second(redis_client):
    assert redis_client.dbsize() == 0
    redis_client.set("left behind", 1)


def test_the_cluster_spreads_keys_over_three_nodes(redis_cluster):
    with redis.RedisCluster(startup_nodes=redis_cluster.startup_nodes) as client:
        for number in range(50):
            client.set(f"key{number}", number)
        assert client.dbsize(target_nodes=redis.RedisCluster.ALL_NODES) == 50
    for node in redis_cluster.nodes:
        with node.client() as single:
            assert single.dbsize() > 0


def test_a_cluster_whose_node_was_killed_can_be_mended(redis_cluster):
    redis_cluster.nodes[1].kill()
    redis_cluster.heal()
    with redis.RedisCluster.from_url(redis_cluster.url) as client:
        assert all(client.set(f"key{number}", number) for number in range(20))


def test_the_sentinel_promotes_the_replica_of_a_killed_master(redis_sentinel):
    finder = Sentinel(redis_sentinel.sentinels)
    assert finder.discover_master(redis_sentinel.service) == redis_sentinel.master.address
    redis_sentinel.master.kill()
    redis_sentinel.await_master(redis_sentinel.replica)
    with finder.master_for(redis_sentinel.service) as client:
        assert client.set("a", 1)


def test_the_tls_server_is_trusted_through_its_authority_only(tls_server):
    with redis.Redis.from_url(tls_server.url) as client:
        assert client.ping()
    with redis.Redis.from_url(tls_server.bare_url) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_tls_in_front_of_a_server_without_it(tmp_path):
    with tls.serve_proxied(tmp_path / "tls") as server, redis.Redis.from_url(server.url) as client:
        assert client.set("a", b"x" * 1_000_000)
        assert client.get("a") == b"x" * 1_000_000


def test_the_ordinary_user_has_its_keys_and_no_more(acl_server):
    with redis.Redis.from_url(acl_server.url) as client:
        assert client.set("langgraph:state:a", 1)
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.set("other", 1)
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.flushall()
    with redis.Redis.from_url(acl_server.admin_url) as admin:
        assert admin.dbsize() == 1
