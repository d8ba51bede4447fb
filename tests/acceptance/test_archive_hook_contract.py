"""What every archive must do: that in memory, that in PostgreSQL, and the example in files."""

from __future__ import annotations

import importlib.util
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cold_archives import archive_of, dialog, entries, said
from graph_runner import thread
from graphs import chat_graph, says
from memory_archive import MemoryArchive

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.archive import ArchiveHook
from langgraph_dualstore.cold import PostgresArchive

EXAMPLE = Path(__file__).parents[2] / "examples" / "jsonl_archive.py"

HOSTILE = (
    *("", " ", "a:b", "../up", "/etc/passwd", "a\0b", "\ud800", "{a}", "*", "a\nb", "ü🎉"),
    *("A", "a", "x" * 5000, "'; DROP TABLE prompt_sessions; --", "%s"),
)


def jsonl_archive(folder):
    if "jsonl_archive" not in sys.modules:
        spec = importlib.util.spec_from_file_location("jsonl_archive", EXAMPLE)
        sys.modules["jsonl_archive"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["jsonl_archive"])
    return sys.modules["jsonl_archive"].JsonlArchive(folder)


@pytest.fixture(params=["memory", "postgres", "jsonl"])
def hook(request, tmp_path):
    if request.param == "memory":
        made = MemoryArchive()
    elif request.param == "jsonl":
        made = jsonl_archive(tmp_path / "archive")
    else:
        made = PostgresArchive(request.getfixturevalue("postgres_dsn"))
        made.setup()
    yield made
    made.close()


def transcript(hook, thread_id="t"):
    """Texts in order, those that the graph has removed with a minus sign."""
    if isinstance(hook, MemoryArchive):
        kept = hook.threads[thread_id]
        found = [(row.content, place in kept.removed) for place, row in kept.messages.items()]
    elif isinstance(hook, PostgresArchive):
        found = [(m.row.content, m.removed_at is not None) for m in hook.messages(thread_id)]
    else:
        found = [(m["content"], m["removed"]) for m in hook.transcript(thread_id)]
    return [f"-{content}" if removed else content for content, removed in found]


def mark_of(hook, thread_id="t"):
    known = hook.marks([thread_id])
    return known[thread_id].value if known else None


def store(hook, *messages, thread_id="t", **given):
    """Hand in what goes on from what is there, and return it."""
    given.setdefault("base", mark_of(hook, thread_id))
    archive = archive_of(thread_id, *messages, **given)
    assert not hook.archive([archive])
    return archive


def refused(hook, archive):
    return list(hook.archive([archive])) == [archive.thread_id]


def restored(hook, thread_id="t"):
    """What a restore gets, in a form that can be compared."""
    found = hook.restore(thread_id)
    return None if found is None else comparable(found.entries)


def comparable(kept):
    members, writes = (list(map(bytes, part)) for part in (kept.members, kept.writes))
    log = {position: bytes(data) for position, data in kept.log}
    return kept.generation, kept.delta, members, writes, log


def test_it_is_an_archive_hook(hook):
    assert isinstance(hook, ArchiveHook)


def test_a_thread_that_it_does_not_know(hook):
    assert hook.marks(["t"]) == {}
    assert hook.marks([]) == {}
    assert hook.restore("t") is None
    assert hook.delete("t", keep_transcript=False) is False


def test_the_mark_is_that_of_the_last_archive(hook):
    first = store(hook, *dialog(2), hour=1)
    assert hook.marks(["t", "unknown"]) == {"t": (first.mark, False, "checkpoint-1")}
    second = store(hook, *dialog(2, first=2), hour=2)
    assert hook.marks(["t"]) == {"t": (second.mark, False, "checkpoint-2")}
    assert hook.restore("t").mark == second.mark


def test_what_does_not_go_on_from_its_mark_is_refused_whole(hook):
    first = store(hook, *dialog(2))
    for base in (None, "another"):
        assert refused(hook, archive_of("t", said("x"), base=base, entries=entries(b"x")))
    assert refused(hook, archive_of("unknown", said("x"), base=first.mark))
    assert mark_of(hook) == first.mark
    assert transcript(hook) == ["m0", "m1"]
    assert restored(hook) == comparable(first.entries)
    assert hook.marks(["unknown"]) == {}


def test_of_a_batch_only_those_are_refused_that_do_not_go_on(hook):
    store(hook, *dialog(1), thread_id="known")
    batch = [
        archive_of("new", *dialog(2)),
        archive_of("known", *dialog(3)),
        archive_of("other", *dialog(4)),
    ]
    assert list(hook.archive(batch)) == ["known"]
    assert [len(transcript(hook, name)) for name in ("new", "known", "other")] == [2, 1, 4]


def test_handing_in_the_same_again_changes_nothing(hook):
    archive = store(hook, *dialog(3), present={"messages": ["m1", "m2"]})
    before = transcript(hook), restored(hook), hook.marks(["t"])
    hook.archive([archive])  # accepted or refused
    assert (transcript(hook), restored(hook), hook.marks(["t"])) == before
    store(hook, *dialog(3), present={"messages": ["m1", "m2"]})
    assert (transcript(hook), restored(hook)) == before[:2]


def test_of_several_at_once_that_go_on_from_the_same_mark_one_is_stored(hook):
    base = store(hook, *dialog(1)).mark
    together = threading.Barrier(4)

    def hand_in(n):
        together.wait()
        return refused(hook, archive_of("t", said(f"by {n}"), base=base))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(hand_in, range(4))) == [False, True, True, True]
    assert len(transcript(hook)) == 2


def test_messages_are_added_and_edited_in_their_place(hook):
    store(hook, *dialog(3))
    store(hook, said("m1", content="edited"), said("m3"))
    assert transcript(hook) == ["m0", "edited", "m2", "m3"]
    store(hook, said("m1", channel="other"))
    assert sorted(transcript(hook)) == ["edited", "m0", "m1", "m2", "m3"]


def test_messages_that_the_graph_removed_stay_and_are_marked(hook):
    store(hook, *dialog(3), said("x", channel="other"))
    store(hook, said("m3"), present={"messages": ["m2", "m3"]})
    assert transcript(hook) == ["-m0", "-m1", "m2", "x", "m3"]
    store(hook, said("m0"))  # back, in a channel that only grew
    store(hook, present={"messages": ["m0", "m1", "m3"], "other": []})
    assert transcript(hook) == ["m0", "m1", "-m2", "-x", "m3"]


def test_a_restore_gets_the_bytes_that_were_handed_in(hook):
    odd = bytes(range(256)) * 40
    kept = entries(odd, b"", writes=(b"", odd), log=((0, odd), (2**40, b"\0")))
    store(hook, entries=kept._replace(delta=True))
    assert restored(hook) == comparable(kept._replace(delta=True))


def test_members_and_writes_replace_those_before_and_the_log_is_added_to(hook):
    store(hook, entries=entries(b"a", b"b", writes=(b"w", b"v"), log=((0, b"one"), (3, b"two"))))
    store(hook, entries=entries(b"c", writes=(b"u",), log=((6, b"three"),)), whole_log=False)
    assert restored(hook) == ("abc", False, [b"c"], [b"u"], {0: b"one", 3: b"two", 6: b"three"})
    store(hook, entries=entries(b"d", log=()), whole_log=False)
    assert restored(hook) == ("abc", False, [b"d"], [], {0: b"one", 3: b"two", 6: b"three"})


def test_a_whole_log_replaces_the_one_before(hook):
    store(hook, entries=entries(b"a", log=((0, b"one"), (3, b"two"))))
    store(hook, entries=entries(b"b", log=((0, b"other"),))._replace(generation="def"))
    assert restored(hook) == ("def", False, [b"b"], [], {0: b"other"})


def test_an_archive_without_entries_adds_messages_and_leaves_the_newer_state(hook):
    newer = store(hook, *dialog(3), hour=5, present={"messages": ["m1", "m2"]})
    older = store(hook, said("lost"), hour=3, entries=None)
    assert hook.marks(["t"]) == {"t": (older.mark, False, "checkpoint-5")}
    assert transcript(hook) == ["-m0", "m1", "m2", "lost"]
    assert restored(hook) == comparable(newer.entries)
    assert hook.restore("t").mark == older.mark


def test_what_is_deleted_is_gone_and_no_archive_under_way_brings_it_back(hook):
    before = store(hook, *dialog(2))
    assert hook.delete("t", keep_transcript=False) is True
    mark = hook.marks(["t"])["t"]
    assert mark.deleted
    assert mark.value != before.mark
    assert hook.restore("t") is None
    for base in (None, before.mark):
        assert refused(hook, archive_of("t", said("late"), base=base))
    assert transcript(hook) == []
    assert hook.delete("t", keep_transcript=False) is False


def test_a_thread_that_is_deleted_before_it_is_archived_stays_deleted(hook):
    hook.delete("t", keep_transcript=False)
    assert hook.marks(["t"])["t"].deleted
    assert refused(hook, archive_of("t", said("late")))


def test_a_thread_may_begin_anew_after_it_was_deleted(hook):
    store(hook, *dialog(2))
    hook.delete("t", keep_transcript=False)
    anew = store(hook, said("anew"))
    assert hook.marks(["t"]) == {"t": (anew.mark, False, anew.checkpoint_id)}
    assert transcript(hook) == ["anew"]
    assert restored(hook) == comparable(anew.entries)


def test_a_transcript_may_be_kept_when_its_thread_is_deleted(hook):
    before = store(hook, *dialog(3), present={"messages": ["m2"]})
    assert hook.delete("t", keep_transcript=True) is True
    assert hook.marks(["t"])["t"].deleted
    assert hook.restore("t") is None
    assert transcript(hook) == ["-m0", "-m1", "m2"]
    assert refused(hook, archive_of("t", said("late"), base=before.mark))


def test_threads_of_any_name_are_kept_apart(hook):
    for at, name in enumerate(HOSTILE):
        store(hook, said(f"message {at}"), thread_id=name, entries=entries(b"%d" % at))
    assert set(hook.marks(HOSTILE)) == set(HOSTILE)
    for at, name in enumerate(HOSTILE):
        assert transcript(hook, name) == [f"message {at}"]
        assert restored(hook, name)[2] == [b"%d" % at]
    assert hook.delete(HOSTILE[0], keep_transcript=False)
    assert [name for name, mark in hook.marks(HOSTILE).items() if mark.deleted] == [HOSTILE[0]]


def test_texts_of_any_kind_are_kept(hook):
    odd = "a\0b \ud800 🎉 \r\n\u2028 " + "long " * 10_000
    store(hook, said("k\0", content=odd, meta={"odd": "🎉"}), said("k\ud800"))
    assert transcript(hook) == [odd, "k\ud800"]
    store(hook, said("k\ud800", content="edited"), present={"messages": ["k\ud800"]})
    assert transcript(hook) == [f"-{odd}", "edited"]


def test_it_may_be_used_again_after_it_was_closed(hook):
    store(hook, *dialog(1))
    hook.close()
    store(hook, *dialog(1, first=1))
    assert transcript(hook) == ["m0", "m1"]


def test_a_conversation_leaves_redis_and_goes_on(hook, redis_url, redis_client):
    delay = timedelta(milliseconds=20)
    with DualStoreSaver.from_conn_string(redis_url, archive=hook, archive_delay=delay) as saver:
        graph = chat_graph(saver)
        for text in ("one", "two"):
            graph.invoke(says(text), thread())
            assert saver.flush()
            redis_client.flushdb()
        said_so_far = ["one", "1: one", "two", "2: two"]
        state = graph.get_state(thread())
        assert [message.text for message in state.values["messages"]] == said_so_far
        name = thread()["configurable"]["thread_id"]
        assert transcript(hook, name) == said_so_far
        saver.delete_thread(name)
        assert graph.get_state(thread()).values == {}
