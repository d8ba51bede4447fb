"""Texts that PostgreSQL or its indexes refuse, in ids, names, attributes and messages."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg
import pytest
from cold_archives import archive_of, dialog, opened, query, said, store

from langgraph_dualstore.cold import PostgresArchive

THREAD_IDS = [
    "",
    "a\0b",
    "a\ufffdb",
    "\ud800",
    "\udfff",
    "x" * 5000,
    "x" * 5001,
    "🙂" * 1000,
    "O'Brien \"; DROP TABLE prompt_sessions; --",
    "a%sb%(x)s{}",
    "line\nbreak\ttab\\N\\.",
    "a:b",
    "a",
]


@pytest.fixture
def archive(postgres_dsn: str) -> Iterator[PostgresArchive]:
    with opened(postgres_dsn) as made:
        yield made


def distinct_words(size: int) -> str:
    """Words that take the most room in a search index: pairs of 4-byte letters, hyphenated."""
    chosen = random.Random(1)
    letters = [chr(point) for point in range(0x20000, 0x29000)]
    words = ("".join(chosen.choices(letters, k=2)) for _ in range(size // 8))
    return "".join(f"{word}{'-' if n % 2 else ' '}" for n, word in enumerate(words))


def test_a_thread_id_may_be_any_text(archive, postgres_dsn):
    marks = {}
    for n, thread_id in enumerate(THREAD_IDS):
        marks[thread_id] = store(archive, thread_id, said(f"m{n}"))
    assert {t: mark.value for t, mark in archive.marks(THREAD_IDS).items()} == marks
    for n, thread_id in enumerate(THREAD_IDS):
        store(archive, thread_id, said("next"))
        assert [m.row.key for m in archive.messages(thread_id)] == [f"m{n}", "next"]
        assert archive.session(thread_id).thread_id == thread_id
        assert archive.restore(thread_id) is not None
    shown = query(postgres_dsn, "SELECT count(DISTINCT thread_id) FROM prompt_sessions")
    assert shown == [(len(THREAD_IDS),)]
    for thread_id in THREAD_IDS:
        assert archive.delete(thread_id, keep_transcript=False)
    assert not any(archive.restore(thread_id) for thread_id in THREAD_IDS)


def test_a_thread_can_be_found_by_its_readable_id(archive, postgres_dsn):
    thread_id = "x" * 5000
    store(archive, thread_id)
    search = "FROM prompt_sessions WHERE thread_id = %s"
    assert query(postgres_dsn, f"SELECT status {search}", thread_id) == [("finished",)]
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(f"EXPLAIN SELECT * {search}", (thread_id,)).fetchall()
    assert "prompt_sessions_thread_id" in str(plan)


def test_unknown_threads_of_any_name_can_be_deleted(archive):
    for thread_id in THREAD_IDS:
        assert archive.delete(thread_id, keep_transcript=False) is False
    assert all(mark.deleted for mark in archive.marks(THREAD_IDS).values())


@pytest.mark.parametrize("size", [3, 80])  # in a statement, and copied
def test_keys_channels_and_contents_may_be_any_text(archive, size):
    keys = ["\0", "\ufffd", "k" * 5000, "k" * 5001, "\ud83d", "\\N", "a\tb\nc", "", "🙂" * 300]
    rows = [said(key, content=f"{key}!", channel=key) for key in keys]
    store(archive, "t", *rows, *dialog(size))
    stored = archive.messages("t")[: len(keys)]
    assert [m.row.key for m in stored] == keys
    assert [m.row.channel for m in stored] == keys
    assert [m.row.content for m in stored] == [f"{key}!" for key in keys]
    left = {key: [key] if n % 2 else [] for n, key in enumerate(keys)}
    store(archive, "t", *(said(key, content="edited", channel=key) for key in keys), present=left)
    stored = archive.messages("t")
    assert len(stored) == len(keys) + size
    assert [m.removed_at is None for m in stored[: len(keys)]] == [
        bool(n % 2) for n in range(len(keys))
    ]
    assert {m.row.content for m in stored[: len(keys)]} == {"edited"}


@pytest.mark.parametrize("user_id", ["a\0b", "\ud800", "u" * 10_000, "🙂" * 1000, "o'b"])
def test_a_user_id_may_be_any_text(archive, user_id, postgres_dsn):
    store(archive, "t", user_id=user_id)
    store(archive, "other", user_id=user_id + "x")
    assert query(postgres_dsn, "SELECT count(DISTINCT user_id) FROM prompt_sessions") == [(2,)]


def test_attributes_may_hold_what_jsonb_refuses(archive):
    attributes = {
        "nul\0": ["a\0b", {"x\ud800": "y\udfff"}],
        "nan": float("nan"),
        "inf": -float("inf"),
        "big": 1 << 80,
        "backslash": "\\u0000",
    }
    store(archive, "t", attributes=attributes)
    store(archive, "t", attributes=attributes)
    stored = archive.session("t").attributes
    assert stored == {
        "nul\ufffd": ["a\ufffdb", {"x\ufffd": "y\ufffd"}],
        "nan": "nan",
        "inf": "-inf",
        "big": 1 << 80,
        "backslash": "\\u0000",
    }


@pytest.mark.parametrize("few", [True, False])
def test_a_message_of_any_size_can_be_stored_and_searched(archive, postgres_dsn, few):
    huge = "needle " + distinct_words(5_000_000)
    assert len(huge.encode()) > 4_000_000
    with psycopg.connect(postgres_dsn) as plain, pytest.raises(psycopg.errors.ProgramLimitExceeded):
        plain.execute("SELECT to_tsvector('simple', %s)", (huge,))  # which is what is avoided
    store(archive, "t", said("huge", content=huge), *dialog(1 if few else 100))
    store(archive, "t", said("huge", content=huge + "more"))
    assert archive.messages("t")[0].row.content == huge + "more"
    found = query(
        postgres_dsn,
        "SELECT message_id FROM prompt_messages "
        "WHERE prompt_search(content) @@ plainto_tsquery('simple', 'needle')",
    )
    assert found == [("huge",)]


def test_search_uses_its_index(archive, postgres_dsn):
    batch = [archive_of(f"t{n}", *dialog(100)) for n in range(50)]
    batch.append(archive_of("found", said("x", content="A very Rare word")))
    archive.archive(batch)
    query(postgres_dsn, "ANALYZE prompt_messages")
    search = "FROM prompt_messages WHERE prompt_search(content) @@ to_tsquery('simple', 'rare')"
    assert query(postgres_dsn, f"SELECT message_id {search}") == [("x",)]
    plan = str(query(postgres_dsn, f"EXPLAIN SELECT * {search}"))
    assert "prompt_messages_search" in plan


def test_search_works_under_any_search_path(archive, postgres_dsn):
    with opened(postgres_dsn, schema="other") as other:
        store(other, "t", said("x", content="needle"))
    found = query(
        postgres_dsn,
        "SELECT message_id FROM other.prompt_messages "
        "WHERE other.prompt_search(content) @@ 'needle'::tsquery "
        "AND set_config('search_path', '', false) = ''",
    )
    assert found == [("x",)]
