"""`list_threads`: both tiers, page by page, each thread once, and Redis never blocked."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cold_archives import opened as opened_archive
from graph_runner import thread
from graphs import chat_graph, says
from memory_archive import MemoryArchive
from raw_checkpoints import put

from langgraph_dualstore.errors import ConfigurationError


@pytest.fixture
def archive(postgres_dsn):
    with opened_archive(postgres_dsn) as archive:
        yield archive


def pages(saver, **given):
    """All pages; a bound on their number keeps a mistake from turning them for ever."""
    found, after = [], None
    for _ in range(1000):
        page = saver.list_threads(after=after, **given)
        found.append(page)
        after = page.next
        if after is None:
            return found
    raise AssertionError("there is no end of pages")


def ids(found):
    return [info.thread_id for page in found for info in page.threads]


def talk(saver, thread_id, text="one", **configurable):
    graph = chat_graph(getattr(saver, "saver", saver))
    graph.invoke(says(text), thread(thread_id, **configurable))


def test_there_may_be_no_threads(open_saver, archive):
    with open_saver(archive=archive) as saver:
        assert saver.list_threads() == ([], None)


def test_hot_and_cold_threads_are_listed_once(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        for name in ("gone", "both", "hot"):
            talk(saver, name, user_id="ann")
        for name in ("gone", "both"):
            saver.archive_thread(name)
        redis_client.delete(*redis_client.keys("langgraph:state:{gone}*"))
        for limit in (1, 2, 3, 100):
            found = pages(saver, limit=limit)
            assert sorted(ids(found)) == ["both", "gone", "hot"]
            assert all(len(page.threads) <= limit for page in found)
        infos = {info.thread_id: info for page in found for info in page.threads}
        assert {name: info.where for name, info in infos.items()} == {
            "gone": "cold",
            "both": "both",
            "hot": "hot",
        }
        for info in infos.values():
            assert (info.user_id, info.status) == ("ann", "finished")
            assert (info.turn_count, info.message_count) == (1, 2)
            assert info.started_at < info.last_activity_at < datetime.now(UTC)
        assert infos["gone"].ttl is None
        assert infos["hot"].ttl > timedelta(hours=23)
        assert saver.ttl_of("gone") == timedelta(0), "listing a thread brings it back"


def test_a_list_says_of_a_thread_what_is_said_of_it_alone(open_saver, archive):
    with open_saver(archive=archive, run_archiver=False) as saver:
        talk(saver, "t")
        for _ in range(2):
            (info,) = saver.list_threads().threads
            alone = vars(saver.thread("t"))
            assert {**alone, "ttl": None} == {**alone, **vars(info), "ttl": None}
            saver.archive_thread("t")


def test_filters_hold_in_both_tiers(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        for tier in ("cold", "hot"):
            for user in ("ann", "bob"):
                talk(saver, f"{user} {tier}", user_id=user)
            if tier == "cold":
                for user in ("ann", "bob"):
                    saver.archive_thread(f"{user} cold")
                redis_client.flushdb()
                between = datetime.now(UTC)
        assert sorted(ids(pages(saver, user_id="ann"))) == ["ann cold", "ann hot"]
        assert ids(pages(saver, user_id="nobody")) == []
        assert len(ids(pages(saver, status="finished"))) == 4
        assert ids(pages(saver, status="interrupted")) == []
        assert sorted(ids(pages(saver, since=between))) == ["ann hot", "bob hot"]
        assert ids(pages(saver, since=between, user_id="bob", status="finished")) == ["bob hot"]
        assert len(ids(pages(saver, since=timedelta(minutes=5)))) == 4
        naive = between.replace(tzinfo=None)
        assert sorted(ids(pages(saver, since=naive))) == ["ann hot", "bob hot"]


def test_deleted_threads_are_not_listed(open_saver, archive):
    with open_saver(archive=archive, run_archiver=False, delete_scope="hot") as saver:
        for name in ("a", "b"):
            talk(saver, name)
            saver.archive_thread(name)
        saver.delete_thread("a")
        assert ids(pages(saver)) == ["b"]
        assert saver.thread("a") is None


def test_without_an_archive_and_with_one_that_cannot_be_searched(open_saver, redis_client):
    with open_saver() as saver:
        talk(saver, "t")
        assert ids(pages(saver)) == ["t"]
        redis_client.flushdb()
    with open_saver(archive=MemoryArchive(), run_archiver=False) as saver:
        talk(saver, "t")
        assert ids(pages(saver)) == ["t"]
        saver.archive_thread("t")
        assert [info.where for info in saver.list_threads().threads] == ["both"]
        redis_client.flushdb()
        assert ids(pages(saver)) == []


def test_a_long_conversation_is_listed_without_being_read(saver):
    said = [{"role": "user", "content": "words " * 1000} for _ in range(100)]
    put(saver, 1, {"messages": said})
    (info,) = saver.list_threads().threads
    assert (info.turn_count, info.message_count) == (None, None)
    assert saver.thread("thread").turn_count == 100


def test_another_prefix_is_another_world(open_saver):
    with open_saver(prefix="one") as one, open_saver(prefix="two*") as two:
        talk(one, "a")
        talk(two, "b")
        assert ids(pages(one)) == ["a"]
        assert ids(pages(two)) == ["b"]


def cursor(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": 1.5}, "limit"),
        ({"limit": None}, "limit"),
        ({"status": "done"}, "status"),
        ({"status": 1}, "status"),
        ({"status": []}, "status"),
        ({"since": "yesterday"}, "since"),
        ({"since": 5}, "since"),
        ({"since": timedelta.max}, "since"),
        ({"user_id": b"ann"}, "user_id"),
        ({"user_id": True}, "user_id"),
        ({"after": ""}, "after"),
        ({"after": 5}, "after"),
        ({"after": b"x"}, "after"),
        ({"after": "nonsense"}, "after"),
        ({"after": "é"}, "after"),
        ({"after": cursor(["hot", "", -1, ""])}, "after"),
        ({"after": cursor(["hot", "", 1 << 64, ""])}, "after"),
        ({"after": cursor(["hot", "", True, ""])}, "after"),
        ({"after": cursor(["hot", "", 0, "?"])}, "after"),
        ({"after": cursor(["cold", 5])}, "after"),
        ({"after": cursor({})}, "after"),
    ],
)
def test_bad_input_is_refused_by_name(open_saver, given, name):
    with open_saver() as saver, pytest.raises(ConfigurationError, match=name):
        saver.list_threads(**given)


def test_a_cursor_that_the_archive_does_not_know_is_refused(open_saver, archive):
    with open_saver(archive=archive) as saver:
        for after in ("nonsense", "[1, 2]", '["2024-01-01", "x"]', "{}"):
            with pytest.raises(ConfigurationError, match="after"):
                saver.list_threads(after=cursor(["cold", after]))
