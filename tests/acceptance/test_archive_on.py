"""When a thread is archived is for the user to choose."""

import contextlib
import copy
import time
from datetime import timedelta

import pytest
from eventually import aeventually, eventually
from graph_runner import thread
from graphs import Chat, answer, chat_graph, says
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.graph import START, StateGraph
from memory_archive import MemoryArchive
from raw_checkpoints import checkpoint_id, config_of, put

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.archiver import archiver, batches
from langgraph_dualstore.errors import ColdStoreUnavailable, ConfigurationError

SOON = timedelta(milliseconds=20)


class FailingArchive(MemoryArchive):
    """Cannot be asked while it `fails`."""

    def __init__(self) -> None:
        super().__init__(self._fail)
        self.fails = False

    def _fail(self, method: str) -> None:
        if self.fails:
            raise ColdStoreUnavailable(f"cannot be asked for {method}")


@pytest.fixture
def archive():
    return FailingArchive()


@pytest.fixture
def open_archiving(redis_url, archive):
    with contextlib.ExitStack() as stack:

        def open_archiving(**options):
            options.setdefault("archive_delay", SOON)
            return stack.enter_context(
                DualStoreSaver.from_conn_string(redis_url, archive=archive, **options)
            )

        yield open_archiving


def talk(saver, text="hello", thread_id="thread"):
    return chat_graph(saver).invoke(says(text), thread(thread_id))


def slow_chat(saver, last_node):
    builder = StateGraph(Chat)
    builder.add_node("answer", answer)
    builder.add_node("last", last_node)
    builder.add_edge(START, "answer")
    builder.add_edge("answer", "last")
    return builder.compile(checkpointer=saver)


# --- "finish" ---


def test_on_finish_a_run_is_not_archived_while_it_goes_on(open_archiving, archive):
    """Nor when it has taken longer than the archive is delayed."""
    saver = open_archiving(archive_on="finish")

    def last(state):
        time.sleep(5 * SOON.total_seconds())
        assert saver.flush()
        assert saver.backlog().queued == 1
        assert not archive.threads

    slow_chat(saver, last).invoke(says("hello"), thread(), durability="sync")
    eventually(lambda: archive.threads)
    assert len(archive.archives) == 1


@pytest.mark.parametrize(("written_to", "due"), [(1, 1), (2, 0)], ids=["late", "newest"])
@pytest.mark.parametrize("ns", ["", "child:1"])
def test_writes_that_come_after_their_step_do_not_wait_for_a_run_to_end(
    open_archiving, archive, written_to, due, ns
):
    """LangGraph stores them in another thread than checkpoints, and may be late with them."""
    saver = open_archiving(run_archiver=False, archive_on="checkpoint")
    first = put(saver, 1, {"a": 1}, ns=ns)
    put(saver, 2, {"a": 2}, ns=ns, parent=first)
    assert saver.flush()
    assert saver.backlog().queued == 0
    saver.put_writes(config_of(ns=ns, id=checkpoint_id(written_to)), [("a", 2)], "task")
    saver.put_writes(config_of(ns=ns, id=checkpoint_id(written_to)), [("b", 2)], "another")
    assert saver.backlog()[:2] == (1, due)
    assert saver.flush()
    assert saver.backlog().queued == 1 - due


def test_runs_that_follow_each_other_at_once_are_archived_together(open_archiving, archive):
    saver = open_archiving(archive_delay=timedelta(milliseconds=400))
    begun = time.monotonic()
    for text in "abc":
        talk(saver, text)
    eventually(lambda: archive.archives)
    assert time.monotonic() - begun >= 0.4
    assert archive.contents("thread") == ["a", "1: a", "b", "2: b", "c", "3: c"]


@pytest.mark.parametrize("archiving", ["flush", "round"])
def test_everything_that_is_due_is_archived_batch_by_batch(
    open_archiving, archive, monkeypatch, archiving
):
    for module in (archiver, batches):
        monkeypatch.setattr(module, "BATCH", 3)
    saver = open_archiving(run_archiver=False)
    for number in range(40):
        talk(saver, thread_id=f"{number}")
    archive.calls.clear()
    if archiving == "flush":
        assert saver.flush()
    else:
        eventually(lambda: saver.backlog().due == 40)
        saver._archiver._round()
    assert len(archive.threads) == 40
    assert archive.calls.count("archive") >= 40 / 3


def test_the_archiver_does_not_look_at_its_queues_for_each_run_that_finishes(
    open_archiving, archive, monkeypatch
):
    saver = open_archiving(archive_delay=timedelta(milliseconds=400))
    talk(saver)
    eventually(lambda: archive.archives)
    looks = []

    def claim(*arguments, **options):
        looks.append(arguments)
        return claims(*arguments, **options)

    claims = saver._archiver._batches.claim
    monkeypatch.setattr(saver._archiver._batches, "claim", claim)
    begun = time.monotonic()
    for number in range(30):
        talk(saver, thread_id=f"{number}")
    eventually(lambda: len(archive.threads) == 31)
    assert 1 <= len(looks) <= 2 + (time.monotonic() - begun) / 0.2


# --- "checkpoint" ---


@pytest.mark.parametrize("durability", ["sync", "async"])
@pytest.mark.parametrize("methods", ["sync", "async"])
async def test_on_checkpoint_a_run_is_mirrored_while_it_goes_on(
    open_archiving, archive, methods, durability
):
    saver = open_archiving(archive_on="checkpoint")
    seen = []

    def mirrored():
        return "thread" in archive.threads and len(archive.contents("thread")) == 2

    def see():
        seen.append((archive.status("thread"), archive.contents("thread")))

    if methods == "sync":

        def last(state):
            eventually(mirrored)
            see()

        slow_chat(saver, last).invoke(says("hello"), thread(), durability=durability)
    else:

        async def last(state):
            await aeventually(mirrored)
            see()

        graph = slow_chat(saver, last)
        await graph.ainvoke(says("hello"), thread(), durability=durability)
    assert seen == [("idle", ["hello", "1: hello"])]
    await aeventually(lambda: archive.status("thread") == "finished")


# --- "manual" ---


def test_on_demand_nothing_is_queued(open_archiving, archive):
    saver = open_archiving(archive_on="manual", ttl=2, archive_delay=timedelta(0))
    talk(saver)
    assert saver.backlog().queued == 0
    assert saver.flush()
    saver.close()
    assert archive.calls == ["restore"]


def test_on_demand_a_thread_is_archived_as_it_stands(redis_url, open_saver, archive):
    with open_saver(archive=archive, archive_on="manual") as saver:
        assert saver.archive_thread("thread") == "absent"
        first = put(saver, 1, {"__start__": 1}, metadata={"source": "input"})
        assert saver.archive_thread("thread") == "archived"
        assert archive.status("thread") == "idle"
        put(saver, 2, {"done": 1}, parent=first)
        assert saver.archive_thread("thread") == "archived"
        assert archive.status("thread") == "finished"
        assert saver.archive_thread("thread") == "archived"
        assert len(archive.archives) == 2
        saver.delete_thread("thread")
        assert saver.archive_thread("thread") == "absent"


@pytest.mark.parametrize("lost", ["everything", "the last turn"])
def test_what_an_older_archive_lacks_is_archived_again_if_it_is_asked(
    open_saver, redis_client, archive, lost
):
    with open_saver(archive=archive, archive_on="manual") as saver:
        sync = getattr(saver, "saver", saver)
        talk(sync, "one")
        assert saver.archive_thread("thread") == "archived"
        backup = copy.deepcopy(archive.threads)
        talk(sync, "two")
        assert saver.archive_thread("thread") == "archived"
        whole = archive.contents("thread")
        archive.threads = {} if lost == "everything" else backup
        assert saver.archive_thread("thread") == "archived"
        assert archive.threads == ({} if lost == "everything" else backup), "Redis was asked alone"
        assert saver.archive_thread("thread", recheck=True) == "archived"
        assert archive.contents("thread") == whole
        before = saver.get_tuple(thread("thread"))
        redis_client.flushdb()
        assert saver.get_tuple(thread("thread")).checkpoint == before.checkpoint
        assert saver.archive_thread("absent", recheck=True) == "absent"


def test_without_an_archive_nothing_can_be_archived(saver):
    talk(saver)
    assert saver.backlog().queued == 0
    for method in (saver.flush, lambda: saver.archive_thread("thread")):
        with pytest.raises(ConfigurationError, match="no archive"):
            method()


# --- "inline" ---


async def test_inline_a_thread_is_archived_when_its_run_returns(open_archiving, archive, runner):
    # An archiver beside it would archive once more what LangGraph hands over late.
    saver = open_archiving(
        archive_on="inline", archive_delay=timedelta(hours=1), run_archiver=False
    )
    graph = chat_graph(saver)
    for turn in (1, 2):
        await runner.invoke(graph, says(f"turn {turn}"), thread())
        assert archive.status("thread") == "finished"
        assert len(archive.contents("thread")) == 2 * turn
    assert len(archive.archives) == 2


async def test_inline_a_run_fails_with_its_archive_and_is_archived_later(
    open_archiving, archive, runner
):
    saver = open_archiving(archive_on="inline", restore=False)
    archive.fails = True
    with pytest.raises(ColdStoreUnavailable):
        await runner.invoke(chat_graph(saver), says("hello"), thread())
    state = await runner.state(chat_graph(saver), thread())
    assert [message.text for message in state.values["messages"]] == ["hello", "1: hello"]
    assert not archive.threads
    archive.fails = False
    await aeventually(lambda: archive.threads)
    assert archive.status("thread") == "finished"


def test_inline_a_checkpoint_that_finishes_nothing_does_not_wait(open_archiving, archive):
    saver = open_archiving(archive_on="inline", restore=False)
    archive.fails = True
    put(saver, 1, {"__start__": 1}, metadata={"source": "input"})
    assert saver.backlog().queued == 1


# --- is_finished ---


def test_a_rule_of_ones_own_says_what_is_finished(open_archiving, archive):
    def rule(found):
        return found.checkpoint["channel_values"].get("turns", 0) >= 2

    saver = open_archiving(is_finished=rule, run_archiver=False)
    talk(saver, "a")
    assert saver.flush()
    assert not archive.threads
    assert saver.backlog().queued == 1
    assert saver.archive_thread("thread") == "archived"
    assert archive.status("thread") == "idle"
    talk(saver, "b")
    assert saver.flush()
    assert archive.status("thread") == "finished"
    assert saver.backlog().queued == 0


async def test_a_rule_gets_the_root_checkpoints_with_their_values(open_archiving, archive, runner):
    asked = []

    def rule(found):
        asked.append(found)
        return False

    saver = open_archiving(is_finished=rule, run_archiver=False)
    builder = StateGraph(Chat)
    builder.add_node("child", chat_graph(True))
    builder.add_edge(START, "child")
    graph = builder.compile(checkpointer=saver)
    await runner.invoke(graph, says("hello"), {**thread(), "metadata": {"kind": "exam"}})
    stored = {found.checkpoint["id"]: found for found in saver.list(thread(checkpoint_ns=""))}
    assert {found.checkpoint["id"] for found in asked} == stored.keys()
    for found in asked:
        assert isinstance(found, CheckpointTuple)
        same = stored[found.checkpoint["id"]]
        assert found.config == same.config
        assert found.parent_config == same.parent_config
        assert found.metadata == same.metadata
        assert found.checkpoint["channel_values"] == same.checkpoint["channel_values"]
    saver.archive_thread("thread")
    (found,) = asked[len(stored) :]
    newest = max(stored)
    assert found.checkpoint["id"] == newest
    assert found.checkpoint["channel_values"] == stored[newest].checkpoint["channel_values"]


# --- run_archiver ---


def test_a_saver_that_does_not_archive_leaves_that_to_another(open_archiving, archive):
    silent = open_archiving(run_archiver=False)
    talk(silent, thread_id="left to another")
    time.sleep(3 * SOON.total_seconds())
    silent.close()
    assert not archive.threads
    assert silent.backlog().queued == 1
    working = open_archiving()
    talk(working, thread_id="its own")
    eventually(lambda: set(archive.threads) == {"left to another", "its own"})


@pytest.mark.parametrize(
    "options",
    [
        {"archive_on": "finished"},
        {"archive_on": None},
        {"archive_delay": 1},
        {"archive_delay": timedelta(seconds=-1)},
        {"archive_history": "some"},
        {"archive_lease": timedelta(milliseconds=10)},
        {"archive_attempts": 0},
        {"archive_attempts": True},
        {"run_archiver": "no"},
        {"drain_timeout": None},
        {"is_finished": True},
        {"redact": "content"},
        {"count_tokens": 4},
        {"transcript": "yes"},
        {"attribute_channels": "exam_id"},
        {"attribute_channels": ["exam_id", 3]},
        {"attribute_channels": 3},
        {"attribute_channels": iter(["exam_id"])},
        {"on_cold_error": "warn"},
        {"delete_scope": "cold"},
        {"restore": None},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_setting_that_makes_no_sense_is_refused(redis_url, options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        DualStoreSaver.from_conn_string(redis_url, archive=MemoryArchive(), **options)
