"""Pruning keeps what delta channels of the surviving checkpoint are rebuilt from."""

import pytest
from delta_chains import NO_VALUE, history_at, put_chain, put_step
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from raw_checkpoints import config_of, found_at, ids_in, values_at

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.operations.prune import prune_thread

SEEDS = [{}, {3: _DeltaSnapshot(["x"])}, {3: ["plain"]}, {2: True}, {1: None, 4: False}]


@pytest.mark.parametrize("seeds", SEEDS)
async def test_the_surviving_checkpoint_has_the_history_it_had(saver, seeds):
    latest = put_chain(saver, seeds)
    before, history = found_at(saver, latest), history_at(saver, latest)
    for _ in range(2):
        await saver.aprune(["thread"], strategy="keep_latest")
        assert history_at(saver, latest) == history
        assert await saver.aget_delta_channel_history(config=latest, channels=["d"]) == history
        after = found_at(saver, config_of())
        assert after.checkpoint == before.checkpoint
        assert after.metadata == before.metadata
        assert after.pending_writes == before.pending_writes


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_thread_that_goes_on_after_a_prune_has_the_whole_history(saver, seeds):
    """The same steps, never pruned in one thread and pruned again and again in the other."""
    pruned = whole = None
    for n in range(1, 13):
        pruned = put_step(saver, n, pruned, seeds.get(n, NO_VALUE))
        whole = put_step(saver, n, whole, seeds.get(n, NO_VALUE), thread_id="whole")
        assert history_at(saver, pruned) == history_at(saver, whole)
        if n % 3 == 0:
            saver.prune(["thread"])
        assert values_at(saver, pruned) == values_at(saver, whole)


def test_only_the_latest_of_each_namespace_is_listed_after_a_prune(saver):
    for ns in ("", "child:1"):
        put_chain(saver, {}, ns=ns)
    saver.prune(["thread"])
    for ns in ("", "child:1"):
        history = history_at(saver, config_of(ns=ns))
        assert [value for _, _, value in history["d"]["writes"]] == [[n] for n in range(1, 6)]
        latest = found_at(saver, config_of(ns=ns))
        assert ids_in(saver.list(config_of(ns=ns)))[0] == latest.checkpoint["id"]
        assert latest.checkpoint["channel_values"] == {"plain": list(range(6))}


def test_a_branch_off_the_path_goes_and_the_path_stays(saver):
    trunk = put_chain(saver, {2: _DeltaSnapshot(["x"])}, count=4)
    put_chain(saver, {}, trunk, start=11, count=4)
    latest = put_chain(saver, {}, trunk, start=21, count=4)
    history = history_at(saver, latest)
    saver.prune(["thread"])
    assert history_at(saver, latest) == history
    assert [value for _, _, value in history["d"]["writes"]] == [[n] for n in (2, 3, 4, 21, 22, 23)]


def test_a_copy_of_a_pruned_thread_has_the_history_too(saver):
    latest = put_chain(saver, {2: _DeltaSnapshot(["x"])})
    history = history_at(saver, latest)
    saver.prune(["thread"])
    saver.copy_thread("thread", "copy")
    saver.delete_thread("thread")
    assert history_at(saver, config_of("copy")) == history


@pytest.mark.parametrize("keep_last", [1, 3])
def test_keep_last_keeps_the_history(redis_url, saver, keep_last):
    seeds = {4: _DeltaSnapshot(["x"]), 9: True}
    kept = whole = None
    with DualStoreSaver.from_conn_string(redis_url, keep_last=keep_last) as shallow:
        for n in range(1, 13):
            kept = put_step(shallow, n, kept, seeds.get(n, NO_VALUE), thread_id="kept")
            whole = put_step(saver, n, whole, seeds.get(n, NO_VALUE), thread_id="whole")
            if n not in seeds:  # what has the value itself needs no history
                assert history_at(shallow, kept) == history_at(saver, whole)
            assert found_at(shallow, kept).checkpoint == found_at(saver, whole).checkpoint


def test_a_snapshot_after_a_tidied_history_leaves_what_other_checkpoints_are_rebuilt_from(
    redis_url, saver
):
    """Tidying finds no ancestors: what is needed is listed still. Then it is dropped."""
    kept = whole = None
    with DualStoreSaver.from_conn_string(redis_url, keep_last=3) as shallow:
        for n in range(1, 4):
            kept = put_step(shallow, n, kept, NO_VALUE, thread_id="kept")
            whole = put_step(saver, n, whole, NO_VALUE, thread_id="whole")
        operation = prune_thread(shallow._context, shallow._context.keys("kept"), "kept", keep=3)
        assert shallow._run(operation)
        third, whole_third = kept, whole
        put_step(shallow, 4, kept, _DeltaSnapshot(["x"]), thread_id="kept")
        put_step(saver, 4, whole, _DeltaSnapshot(["x"]), thread_id="whole")
        assert history_at(shallow, third) == history_at(saver, whole_third)
