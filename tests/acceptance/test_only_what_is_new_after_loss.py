"""What a live process believes to be stored may be gone: its next put is complete all the same."""

import pytest
from conversations import message, messages, talk
from losses import PARTS, REPLACED, WHOLE
from raw_checkpoints import checkpoint_id, config_of, found_at, ids_in, put, values_at
from stored_threads import FOUR_KEYS, Onlooker, assert_one_deadline

from langgraph_dualstore import CorruptRecord, DualStoreSaver

LOSSES = {**WHOLE, **PARTS, **REPLACED}


@pytest.fixture
def saver(open_saver):
    with open_saver() as saver:
        yield saver


@pytest.fixture
def another(redis_url):
    with DualStoreSaver.from_conn_string(redis_url) as another:
        yield another


def fill(saver):
    """Two namespaces of a thread, with a value that stays, and another thread beside it."""
    for ns in ("child:1", ""):
        talk(saver, 5, ns=ns, metadata={"run_id": "run"})
    talk(saver, 2, thread_id="other")
    values = {"messages": messages(6), "count": 6, "constant": "c" * 5000}
    last = put(saver, 6, values, parent=config_of(id=checkpoint_id(5)), metadata={"run_id": "run"})
    return last, values


def step(values, n):
    return {**values, "messages": [*values["messages"], message(n)], "count": n}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("written", ["all", "what changed"])
def test_the_next_put_is_complete(redis_client, redis_url, saver, another, loss, written):
    last, values = fill(saver)
    LOSSES[loss](redis_client, another)
    onlooker = Onlooker(redis_client)
    # The value that stays is not new: without the loss it would only be referred to.
    for n in (7, 8, 9):
        values = step(values, n)
        versions = {"messages": n, "count": n, "constant": 6}
        new = ["messages", "count"] if written == "what changed" else None
        last = put(saver, n, values, parent=last, versions=versions, new=new)
        with DualStoreSaver.from_conn_string(redis_url) as fresh:
            for reader in (fresh, saver):
                assert values_at(reader, last) == values
                assert values_at(reader, config_of()) == values
        for deadlines in onlooker.threads().values():
            assert_one_deadline(deadlines, onlooker.slack)
            assert deadlines["head"] != -1
    assert set(onlooker.threads()[b"langgraph:state:{thread}"]) >= FOUR_KEYS - {"writes"}


@pytest.mark.parametrize("loss", LOSSES)
def test_the_other_namespace_goes_on_too(redis_client, redis_url, saver, another, loss):
    fill(saver)
    LOSSES[loss](redis_client, another)
    said = messages(5)
    last = config_of(ns="child:1", id=checkpoint_id(5))
    for n in (6, 7):
        said = [*said, message(n)]
        last = put(saver, n, {"messages": said}, ns="child:1", parent=last)
        put(saver, n, {"messages": said}, parent=config_of(id=checkpoint_id(n - 1)))
        with DualStoreSaver.from_conn_string(redis_url) as fresh:
            assert values_at(fresh, last) == {"messages": said}
            assert values_at(fresh, config_of(id=checkpoint_id(n))) == {"messages": said}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_can_be_read_afterwards_is_right(redis_client, redis_url, saver, another, loss):
    """A checkpoint that has lost what it refers to says so; it never shows something else."""
    last, values = fill(saver)
    expected = {found.checkpoint["id"]: values_of(found) for found in readable(another)}
    LOSSES[loss](redis_client, another)
    expected |= {found.checkpoint["id"]: values_of(found) for found in readable(another)}
    for n in (7, 8, 9, 10):
        values = step(values, n)
        last = put(saver, n, values, parent=last)
        expected[checkpoint_id(n)] = values
        with DualStoreSaver.from_conn_string(redis_url) as fresh:
            for reader in (fresh, saver):
                for found in readable(reader):
                    assert values_of(found) == expected[found.checkpoint["id"]]


def values_of(found):
    return found.checkpoint["channel_values"]


def readable(reader):
    """The checkpoints that can be read, of which a list would stop at the first that cannot."""
    for n in range(1, 11):
        try:
            found = reader.get_tuple(config_of(id=checkpoint_id(n)))
        except CorruptRecord:
            continue
        if found is not None:
            yield found


@pytest.mark.parametrize("loss", [*WHOLE, "delete and begin anew"])
def test_nothing_of_what_was_deleted_comes_back(redis_client, redis_url, saver, another, loss):
    last, values = fill(saver)
    LOSSES[loss](redis_client, another)
    before = ids_in(another.list(config_of()))
    put(saver, 7, step(values, 7), parent=last)
    with DualStoreSaver.from_conn_string(redis_url) as fresh:
        assert ids_in(fresh.list(config_of())) == [checkpoint_id(7), *before]
        assert fresh.get_tuple(config_of(ns="child:1")) is None


@pytest.mark.parametrize("loss", WHOLE)
def test_a_read_after_the_loss_finds_nothing(redis_client, saver, another, loss):
    last, _ = fill(saver)
    LOSSES[loss](redis_client, another)
    assert saver.get_tuple(last) is None
    assert saver.get_tuple(config_of()) is None
    assert list(saver.list(config_of())) == []
    history = saver.get_delta_channel_history(config=last, channels=["messages"])
    assert history == {"messages": {"writes": []}}


@pytest.mark.parametrize("loss", WHOLE)
def test_writes_after_the_loss_wait_for_their_checkpoint(redis_client, saver, another, loss):
    last, values = fill(saver)
    LOSSES[loss](redis_client, another)
    saver.put_writes(last, [("count", 7)], "task")
    assert saver.get_tuple(last) is None
    put(saver, 6, values)
    found = found_at(another, last)
    assert found.pending_writes == [("task", "count", 7)]
    assert found.checkpoint["channel_values"] == values


ONLY_WRITES = {
    "never put": lambda saver: saver.put_writes(config_of(id=checkpoint_id(9)), [("a", 1)], "t"),
    "all runs deleted": lambda saver: (
        talk(saver, 2, metadata={"run_id": "run"}),
        saver.put_writes(config_of(id=checkpoint_id(9)), [("a", 1)], "t"),
        saver.delete_for_runs(["run"]),
    ),
    "pruned": lambda saver: (
        saver.put_writes(config_of(id=checkpoint_id(9)), [("a", 1)], "t"),
        saver.prune(["thread"]),
    ),
    "copied": lambda saver: (
        saver.put_writes(config_of("source", id=checkpoint_id(9)), [("a", 1)], "t"),
        saver.copy_thread("source", "thread"),
    ),
}


@pytest.mark.parametrize("way", ONLY_WRITES)
def test_a_thread_of_writes_alone_is_absent_and_not_damaged(saver, another, way):
    """They wait for their checkpoint; nothing was lost."""
    ONLY_WRITES[way](saver)
    for reader in (saver, another):
        assert reader.get_tuple(config_of()) is None
        assert list(reader.list(config_of())) == []
        assert list(reader.list(None)) == []
    put(saver, 9, {"a": messages(3)})
    found = found_at(another, config_of())
    assert found.checkpoint["channel_values"] == {"a": messages(3)}
    assert found.pending_writes == [("t", "a", 1)]


@pytest.mark.parametrize("loss", ["eviction of the log", "eviction of two", "eviction of three"])
@pytest.mark.parametrize("operation", ["prune", "copy"])
def test_a_thread_that_lost_its_log_is_never_passed_off_as_whole(
    redis_client, redis_url, saver, another, loss, operation
):
    """Pruning and copying move what is referred to; what is not there cannot be moved."""
    last, values = fill(saver)
    LOSSES[loss](redis_client, another)
    put(saver, 7, step(values, 7), parent=last)
    target = "thread" if operation == "prune" else "copy"
    try:
        if operation == "prune":
            saver.prune(["thread"])
        else:
            saver.copy_thread("thread", "copy")
    except CorruptRecord:
        target = "thread"
    with DualStoreSaver.from_conn_string(redis_url) as fresh:
        assert values_at(fresh, config_of(target)) == step(values, 7)
        for ns in ("", "child:1"):
            for n in range(1, 7):
                try:
                    found = fresh.get_tuple(config_of(target, ns, checkpoint_id(n)))
                except CorruptRecord:
                    continue
                if found is not None:
                    expected = messages(n)
                    assert found.checkpoint["channel_values"]["messages"] == expected


def test_a_thread_that_lost_its_log_can_be_deleted(redis_client, saver, another):
    fill(saver)
    PARTS["eviction of the log"](redis_client, another)
    with pytest.raises(CorruptRecord, match="maxmemory-policy"):
        another.get_tuple(config_of())
    saver.delete_thread("thread")
    saver.delete_thread("other")
    assert redis_client.dbsize() == 0
