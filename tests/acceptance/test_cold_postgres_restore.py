"""What comes back from PostgreSQL, and the marks that keep archives from overwriting others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

import psycopg
import pytest
from cold_archives import archive_of, dialog, entries, opened, query, said, store
from psycopg.conninfo import make_conninfo

from langgraph_dualstore.archive import Entries
from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.cold.queries import Queries
from langgraph_dualstore.cold.storing import store as store_in
from langgraph_dualstore.cold.texts import thread_key
from langgraph_dualstore.errors import ColdStoreUnavailable


@pytest.fixture
def archive(postgres_dsn: str) -> Iterator[PostgresArchive]:
    with opened(postgres_dsn) as made:
        yield made


def test_entries_come_back_as_they_were(archive):
    members = [b"\0\xff", b"", bytes(range(256)) * 100]
    whole = Entries(
        "0a1b", True, members, [b"w\0", b""], [(0, b"\0" * 10), (10, b"x"), (2**40, b"y")]
    )
    mark = store(archive, "t", entries=whole)
    restored = archive.restore("t")
    assert restored.mark == mark
    assert restored.entries == whole


def test_entries_of_a_big_batch_come_back_as_they_were(archive):
    whole = [entries(bytes([n]) * 1000, writes=(b"w",) * n) for n in range(50)]
    batch = [archive_of(f"t{n}", *dialog(5), entries=whole[n]) for n in range(50)]
    assert not archive.archive(batch)
    for n in range(50):
        restored = archive.restore(f"t{n}").entries
        assert list(restored.members) == [bytes([n]) * 1000]
        assert list(restored.writes) == [b"w"] * n


def test_checkpoints_and_writes_are_replaced_and_the_log_grows(archive):
    store(archive, "t", entries=entries(b"a", b"b", writes=(b"u", b"v"), log=((0, b"one"),)))
    store(archive, "t", entries=entries(b"c", log=((3, b"two"),)), whole_log=False)
    restored = archive.restore("t").entries
    assert restored == Entries("abc", False, [b"c"], [], [(0, b"one"), (3, b"two")])


def test_a_whole_log_replaces_the_pieces_of_before(archive):
    store(archive, "t", entries=entries(log=((0, b"one"), (3, b"two"), (6, b"three"))))
    store(archive, "t", entries=entries(log=((3, b"TWO"), (20, b"four"))))
    assert archive.restore("t").entries.log == [(3, b"TWO"), (20, b"four")]
    store(archive, "t", entries=entries(log=()))
    assert archive.restore("t").entries.log == []


def test_there_is_nothing_to_restore_of_an_unknown_thread(archive):
    store(archive, "t", *dialog(1))
    assert archive.restore("T") is None
    assert archive.restore("") is None


def marks(archive, *thread_ids):
    found = archive.marks(thread_ids)
    assert all(mark.checkpoint_id for mark in found.values())
    return {thread_id: mark[:2] for thread_id, mark in found.items()}


def test_marks_are_those_of_the_threads_that_are_known(archive):
    mark = store(archive, "t")
    assert marks(archive, "t", "other") == {"t": (mark, False)}
    newer = store(archive, "t")
    assert marks(archive, "t") == {"t": (newer, False)}


@pytest.mark.parametrize("base", [None, "another"])
def test_an_archive_that_goes_on_from_something_else_is_refused_alone(archive, base):
    mark = store(archive, "t", *dialog(2), entries=entries(b"old"))
    wrong = archive_of("t", said("new"), base=base, entries=entries(b"new"))
    right = archive_of("u", said("new"))
    assert list(archive.archive([wrong, right])) == ["t"]
    assert marks(archive, "t", "u") == {"t": (mark, False), "u": (right.mark, False)}
    assert [message.row.key for message in archive.messages("t")] == ["m0", "m1"]
    assert archive.restore("t").entries.members == [b"old"]
    assert len(archive.messages("u")) == 1


def test_an_archive_that_goes_on_from_what_nobody_knows_is_refused(archive):
    assert list(archive.archive([archive_of("t", base="x")])) == ["t"]
    assert archive.session("t") is None


def test_what_has_been_stored_already_is_not_refused(archive):
    first = archive_of("t", *dialog(2))
    assert not archive.archive([first])
    assert not archive.archive([first])  # its answer may have got lost
    second = archive_of("t", *dialog(2, first=2), base=first.mark)
    assert not archive.archive([second])
    assert not archive.archive([second])
    assert archive.session("t").message_count == 4


def test_of_two_archives_of_a_thread_in_one_batch_the_second_is_refused(archive):
    first = archive_of("t", *dialog(2))
    second = archive_of("t", *dialog(2, first=2), base=first.mark)
    assert list(archive.archive([first, second])) == ["t"]
    assert archive.marks(["t"])["t"].value == first.mark


def test_of_two_processes_with_the_same_new_thread_one_is_refused(archive, postgres_dsn):
    both = [archive_of("t", said(name), said("x")) for name in ("one", "two")]
    barrier = threading.Barrier(2)
    refused: list[str] = []

    def work(thread):
        with opened(postgres_dsn) as other:
            barrier.wait()
            refused.extend(other.archive([thread, archive_of(f"with {thread.mark}")]))

    workers = [threading.Thread(target=work, args=(thread,)) for thread in both]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert refused == ["t"]
    assert archive.session("t").message_count == 2
    mark = archive.marks(["t"])["t"].value
    assert mark in {thread.mark for thread in both}


def test_batches_do_not_wait_for_each_other_to_lock_the_same_threads(archive, postgres_dsn):
    """They meet at a thread that a third one holds; rows lie in another order than the index's."""
    names = sorted(("a", "b", "c"), key=thread_key, reverse=True)
    marks = {name: store(archive, name) for name in names}
    by_index = make_conninfo(postgres_dsn, options="-c enable_seqscan=off -c enable_bitmapscan=off")
    with psycopg.connect(postgres_dsn) as third:
        held = "SELECT FROM prompt_sessions WHERE thread_id = %s FOR UPDATE"
        third.execute(held, (names[1],))
        batches = [[archive_of(name, base=marks[name]) for name in names] for _ in range(2)]
        outcomes = _meet(third, zip((postgres_dsn, by_index), batches, strict=True))
    assert sorted(map(len, outcomes)) == [0, 3]


def test_batches_do_not_wait_for_each_other_to_insert_the_same_threads(archive, postgres_dsn):
    names = sorted(("a", "b", "c"), key=thread_key)
    with psycopg.connect(postgres_dsn) as third:
        third.execute(
            "INSERT INTO prompt_sessions (thread_key, thread_id, mark) VALUES (%s, %s, '')",
            (thread_key(names[1]), names[1]),
        )
        batches = [[archive_of(name) for name in order] for order in (names, names[::-1])]
        outcomes = _meet(third, ((postgres_dsn, batch) for batch in batches))
    assert sorted(map(len, outcomes)) == [0, 3]


def _meet(third: psycopg.Connection, batches: Iterable[tuple[str, list]]) -> list:
    """Archive batches that wait for a third one, which then gives up; return what was refused."""
    outcomes: list = []

    def work(dsn: str, batch: list) -> None:
        other = PostgresArchive(dsn)
        try:
            outcomes.append(other.archive(batch))
        except ColdStoreUnavailable as error:
            outcomes.append(str(error))
        other.close()

    workers = [threading.Thread(target=work, args=given) for given in batches]
    for worker in workers:
        worker.start()
        time.sleep(0.5)
    third.rollback()
    for worker in workers:
        worker.join()
    return outcomes


def test_a_deleted_thread_leaves_a_mark_and_nothing_else(archive, postgres_dsn):
    mark = store(archive, "t", *dialog(4), attributes={"name": "Ann"}, hour=2)
    assert archive.delete("t", keep_transcript=False) is True
    assert archive.restore("t") is None
    assert archive.messages("t") == []
    left = archive.marks(["t"])["t"]
    assert left.deleted
    assert left.value != mark
    session = archive.session("t")
    assert session.deleted_at is not None
    assert (session.user_id, session.status, session.attributes) == (None, None, {})
    assert (session.turn_count, session.message_count, session.token_count) == (0, 0, None)
    assert (session.started_at, session.last_activity_at, session.checkpoint_id) == (None, None, "")
    for table in ("prompt_messages", "prompt_turns", "prompt_entries"):
        assert query(postgres_dsn, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_transcript_may_be_kept(archive, postgres_dsn):
    store(archive, "t", *dialog(4))
    assert archive.delete("t", keep_transcript=True) is True
    assert archive.restore("t") is None
    assert archive.marks(["t"])["t"].deleted
    assert len(archive.messages("t")) == 4
    session = archive.session("t")
    assert (session.user_id, session.status, session.message_count) == ("user", "finished", 4)
    assert query(postgres_dsn, "SELECT count(*) FROM prompt_turns") == [(2,)]
    assert query(postgres_dsn, "SELECT count(*) FROM prompt_entries") == [(0,)]


def test_delete_says_whether_there_was_anything(archive):
    store(archive, "t", *dialog(2))
    assert archive.delete("t", keep_transcript=True) is True
    assert archive.delete("t", keep_transcript=True) is False
    assert archive.delete("t", keep_transcript=False) is True  # the transcript
    assert archive.delete("t", keep_transcript=False) is False
    assert archive.delete("unknown", keep_transcript=False) is False
    assert archive.delete("unknown", keep_transcript=True) is False


@pytest.mark.parametrize("keep_transcript", [True, False])
def test_an_archive_that_was_under_way_does_not_bring_a_deleted_thread_back(
    archive, keep_transcript
):
    mark = store(archive, "t", *dialog(2))
    archive.delete("t", keep_transcript=keep_transcript)
    archive.delete("unknown", keep_transcript=keep_transcript)
    late = [archive_of("t", said("late"), base=mark), archive_of("unknown", said("late"))]
    assert sorted(archive.archive(late)) == ["t", "unknown"]
    assert archive.restore("t") is None
    assert archive.restore("unknown") is None


def test_a_deletion_is_repeated_with_a_mark_of_its_own(archive):
    archive.delete("t", keep_transcript=False)
    first = archive.marks(["t"])["t"].value
    archive.delete("t", keep_transcript=False)
    assert archive.marks(["t"])["t"].value != first


def test_a_deletion_waits_for_an_archive_that_is_about_to_commit(archive, postgres_dsn):
    thread = archive_of("t", *dialog(100))
    with psycopg.connect(postgres_dsn) as slow:
        with slow.transaction():
            store_in(slow, Queries("public"), [thread])
            deleting = threading.Thread(
                target=archive.delete, args=("t",), kwargs={"keep_transcript": False}
            )
            deleting.start()
            deleting.join(0.5)
            assert deleting.is_alive()
        deleting.join()
    assert archive.marks(["t"])["t"].deleted
    assert archive.messages("t") == []


def test_a_deleted_thread_that_is_started_anew_is_alive_again(archive):
    store(archive, "t", *dialog(4), said("x", token_count=7))
    archive.delete("t", keep_transcript=False)
    store(archive, "t", *dialog(3))
    session = archive.session("t")
    assert session.deleted_at is None
    assert (session.message_count, session.turn_count, session.token_count) == (3, 2, None)
    assert [message.position for message in archive.messages("t")] == [0, 1, 2]
    assert archive.restore("t") is not None
    assert not archive.marks(["t"])["t"].deleted


def test_a_kept_transcript_goes_on_when_the_thread_is_started_anew(archive):
    store(archive, "t", *dialog(4))
    archive.delete("t", keep_transcript=True)
    store(archive, "t", said("new"))
    assert [message.position for message in archive.messages("t")] == [0, 1, 2, 3, 4]
    assert archive.messages("t")[-1].turn == 3
    assert archive.session("t").message_count == 5
