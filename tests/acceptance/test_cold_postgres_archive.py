"""Archiving threads in PostgreSQL: what their sessions, messages and turns are then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from cold_archives import START, archive_of, dialog, entries, opened, query, rows_of, said, store

from langgraph_dualstore.archive import ArchiveHook
from langgraph_dualstore.cold import PostgresArchive
from langgraph_dualstore.errors import ColdStoreError


@pytest.fixture
def archive(postgres_dsn: str) -> Iterator[PostgresArchive]:
    with opened(postgres_dsn) as made:
        yield made


def placed(archive: PostgresArchive, thread_id: str = "t") -> list[tuple]:
    return [
        (stored.row.key, stored.position, stored.turn, stored.removed_at is not None)
        for stored in archive.messages(thread_id)
    ]


def test_it_is_an_archive_hook(archive):
    assert isinstance(archive, ArchiveHook)


def test_messages_come_back_in_order_with_position_and_turn(archive):
    messages = [said("s", "system"), *dialog(4)]
    store(archive, "t", *messages)
    stored = archive.messages("t")
    assert [message.position for message in stored] == [0, 1, 2, 3, 4]
    assert [message.turn for message in stored] == [0, 1, 1, 2, 2]
    assert [message.row.content for message in stored] == ["s", "m0", "m1", "m2", "m3"]
    assert [message.row.role for message in stored] == [row.role for row in messages]
    assert stored[1].row.meta == messages[1].meta
    assert stored[1].row.created_at == START


def test_a_session_says_how_the_thread_stands(archive):
    store(archive, "t", *dialog(4), attributes={"exam_id": 7}, hour=3)
    session = archive.session("t")
    assert (session.thread_id, session.user_id, session.status) == ("t", "user", "finished")
    assert (session.started_at, session.last_activity_at) == (START, START + timedelta(hours=3))
    assert session.ended_at == session.last_activity_at
    assert (session.turn_count, session.message_count) == (2, 4)
    assert session.attributes == {"exam_id": 7}
    assert session.checkpoint_id == "checkpoint-3"
    assert session.archived_at is not None
    assert session.deleted_at is None


@pytest.mark.parametrize("status", ["interrupted", "error", "idle"])
def test_a_thread_that_has_not_finished_has_not_ended(archive, status):
    store(archive, "t", *dialog(1), status=status)
    assert archive.session("t").status == status
    assert archive.session("t").ended_at is None
    store(archive, "t", status="finished", hour=2)
    assert archive.session("t").ended_at == START + timedelta(hours=2)


def test_the_next_archive_continues_positions_and_turns(archive):
    store(archive, "t", *dialog(3))
    store(archive, "t", *dialog(3, first=3), whole_log=False)
    assert [row[:3] for row in placed(archive)] == [
        ("m0", 0, 1),
        ("m1", 1, 1),
        ("m2", 2, 2),
        ("m3", 3, 2),
        ("m4", 4, 3),
        ("m5", 5, 3),
    ]
    session = archive.session("t")
    assert (session.turn_count, session.message_count) == (3, 6)


def test_a_turn_that_a_message_names_is_its_turn(archive):
    store(archive, "t", said("a", turn=5), said("b", "assistant"), said("c"), said("d", turn=1))
    assert [row[2] for row in placed(archive)] == [5, 5, 6, 1]
    store(archive, "t", said("e", "assistant"), said("f"))
    assert [row[2] for row in placed(archive)] == [5, 5, 6, 1, 6, 7]


def test_turns_say_where_their_messages_are(archive, postgres_dsn):
    store(archive, "t", said("s", "system"), *dialog(3))
    store(archive, "t", *dialog(3, first=3))
    turns = query(
        postgres_dsn, "SELECT turn, start_position, end_position FROM prompt_turns ORDER BY turn"
    )
    assert turns == [(0, 0, 0), (1, 1, 2), (2, 3, 4), (3, 5, 6)]


def test_a_turns_log_is_left_alone(archive, postgres_dsn):
    store(archive, "t", *dialog(1))
    query(postgres_dsn, """UPDATE prompt_turns SET log = '{"score": 1}'""")
    query(
        postgres_dsn,
        """INSERT INTO prompt_turns (session_id, turn, log) SELECT id, 2, '{}' FROM prompt_sessions""",
    )
    store(archive, "t", *dialog(2, first=1))
    turns = "SELECT turn, start_position, end_position, log FROM prompt_turns ORDER BY turn"
    assert query(postgres_dsn, turns) == [(1, 0, 1, {"score": 1}), (2, 2, 2, {})]


def test_an_edited_message_keeps_its_place(archive):
    store(archive, "t", *dialog(4))
    newer = said("m1", "tool", "edited", token_count=9, meta={"new": True}, turn=8)
    store(archive, "t", newer, said("m4"))
    stored = archive.messages("t")[1]
    assert (stored.position, stored.turn) == (1, 1)
    row = stored.row
    assert (row.role, row.content, row.token_count) == ("tool", "edited", 9)
    assert row.meta == {"new": True}
    assert row.created_at == START
    assert archive.session("t").message_count == 5
    assert archive.session("t").turn_count == 3


def test_of_several_versions_in_one_archive_the_last_counts_in_the_first_ones_place(archive):
    store(archive, "t", said("a", content="old"), said("b"), said("a", content="new"))
    assert placed(archive) == [("a", 0, 1, False), ("b", 1, 2, False)]
    assert archive.messages("t")[0].row.content == "new"


def test_the_same_key_in_two_channels_names_two_messages(archive):
    store(archive, "t", said("a"), said("a", channel="other"))
    store(archive, "t", said("a", content="edited", channel="other"))
    stored = [(message.row.channel, message.row.content) for message in archive.messages("t")]
    assert stored == [("messages", "a"), ("other", "edited")]


def test_messages_that_the_graph_removed_stay_with_the_time_of_that(archive):
    store(archive, "t", *dialog(4), said("x", channel="other"))
    store(archive, "t", said("m4"), present={"messages": ["m3", "m4"]}, hour=2)
    removed = {m.row.key: m.removed_at for m in archive.messages("t")}
    gone = START + timedelta(hours=2)
    assert removed == {"m0": gone, "m1": gone, "m2": gone, "m3": None, "x": None, "m4": None}
    left = archive.messages("t", include_removed=False)
    assert [message.row.key for message in left] == ["m3", "x", "m4"]
    assert archive.session("t").message_count == 6


def test_a_removed_message_keeps_the_time_at_which_it_was_removed_first(archive):
    store(archive, "t", *dialog(2))
    store(archive, "t", present={"messages": ["m1"]}, hour=2)
    store(archive, "t", said("m0", content="edited"), present={"messages": ["m1"]}, hour=3)
    first = archive.messages("t")[0]
    assert (first.row.content, first.removed_at) == ("edited", START + timedelta(hours=2))


def test_a_message_that_is_back_is_no_longer_removed(archive):
    store(archive, "t", *dialog(3))
    store(archive, "t", present={"messages": []})
    store(archive, "t", said("m0"))  # written again, in a channel that only grew
    store(archive, "t", present={"messages": ["m0", "m1"]})
    assert [row[3] for row in placed(archive)] == [False, False, True]


def test_a_message_may_be_written_and_removed_within_one_archive(archive):
    store(archive, "t", *dialog(3), present={"messages": ["m2"]})
    assert placed(archive) == [("m0", 0, 1, True), ("m1", 1, 1, True), ("m2", 2, 2, False)]
    store(archive, "t", *dialog(2, first=3), present={"messages": ["m4"]})
    assert [row[3] for row in placed(archive)] == [True, True, True, True, False]


def test_tokens_are_summed_and_never_made_up(archive):
    store(archive, "t", *dialog(2))
    assert archive.session("t").token_count is None
    store(archive, "t", said("a", token_count=5), said("b", token_count=7), said("c"))
    assert archive.session("t").token_count == 12
    store(archive, "t", said("a", token_count=6), said("m0", token_count=1))
    assert archive.session("t").token_count == 14
    store(archive, "t", said("a"))
    assert archive.session("t").token_count == 8
    store(archive, "t", said("b"), said("m0"))
    assert archive.session("t").token_count is None


def test_the_start_of_a_session_never_moves_forward(archive):
    store(archive, "t", *dialog(1), started_at=START)
    store(archive, "t", *dialog(1, first=1), started_at=START + timedelta(minutes=30))
    assert archive.session("t").started_at == START


def test_a_session_keeps_its_user_when_a_config_does_not_say_it(archive):
    store(archive, "t", *dialog(1), user_id="ann")
    store(archive, "t", *dialog(1, first=1), user_id=None)
    assert archive.session("t").user_id == "ann"
    store(archive, "t", user_id="bob")
    assert archive.session("t").user_id == "bob"


def test_archiving_the_same_again_changes_nothing_but_the_session(archive, postgres_dsn):
    whole = {
        "present": {"messages": ["m1", "m2", "m3"]},
        "entries": entries(b"a", b"b", writes=(b"w",), log=((0, b"x"), (5, b"y"))),
    }
    store(archive, "t", *dialog(4), **whole)
    before = rows_of(postgres_dsn)
    store(archive, "t", *dialog(4), **whole)
    after = rows_of(postgres_dsn)
    session = before.pop("prompt_sessions"), after.pop("prompt_sessions")
    assert after["prompt_messages"] == before["prompt_messages"]
    assert after["prompt_entries"] == before["prompt_entries"]
    assert [row[1:] for row in after["prompt_turns"]] == [row[1:] for row in before["prompt_turns"]]
    (was,), (is_,) = session
    assert len([1 for old, new in zip(was, is_, strict=True) if old != new]) == 3  # xmin too


def test_only_rows_that_change_are_touched(archive, postgres_dsn):
    store(archive, "t", *dialog(100))
    before = {row[1]: row for row in rows_of(postgres_dsn)["prompt_messages"]}
    left = [f"m{n}" for n in range(1, 101)]
    store(archive, "t", said("m7", content="edited"), said("m100"), present={"messages": left})
    after = {row[1]: row for row in rows_of(postgres_dsn)["prompt_messages"]}
    touched = [after[id_][6] for id_ in before if after[id_] != before[id_]]
    assert sorted(touched) == ["edited", "m0"]


def test_many_threads_are_stored_at_once_new_and_known_ones(archive):
    known = [store(archive, f"known{n}", *dialog(3)) for n in range(20)]
    batch = [archive_of(f"new{n}", *dialog(50)) for n in range(20)]
    batch += [
        archive_of(
            f"known{n}",
            *dialog(40, first=3),
            base=mark,
            present={"messages": [f"m{i}" for i in range(2, 43)]},
        )
        for n, mark in enumerate(known)
    ]
    assert not archive.archive(batch)
    for n in range(20):
        assert placed(archive, f"new{n}") == [(f"m{i}", i, i // 2 + 1, False) for i in range(50)]
        assert placed(archive, f"known{n}") == [(f"m{i}", i, i // 2 + 1, i < 2) for i in range(43)]
    assert archive.restore("new7").entries == archive.restore("known7").entries


def test_nothing_to_archive_is_nothing(archive):
    assert not archive.archive([])
    assert archive.marks([]) == {}


def test_a_thread_without_messages_is_stored(archive):
    store(archive, "t")
    assert archive.messages("t") == []
    assert archive.session("t").message_count == 0
    assert archive.restore("t") is not None


def test_one_bad_thread_leaves_nothing_of_the_batch(archive, postgres_dsn):
    bad = archive_of("bad", said("a", role="nobody"))
    for size in (1, 100):
        with pytest.raises(ColdStoreError):
            archive.archive([archive_of("good", *dialog(size)), bad])
    assert query(postgres_dsn, "SELECT count(*) FROM prompt_sessions") == [(0,)]
    assert not archive.archive([archive_of("good", *dialog(2))])
