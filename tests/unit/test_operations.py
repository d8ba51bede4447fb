"""Operations do no I/O: they are tested by playing replies to their steps."""

from datetime import timedelta

import pytest
from conversations import messages
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from raw_checkpoints import checkpoint_id, checkpoint_of, config_of

from langgraph_dualstore import ConfigurationError, Settings, operations
from langgraph_dualstore._steps import RunScript, Scan, TimeLeft, Unlink, command_of
from langgraph_dualstore.counters import Counters
from langgraph_dualstore.hot import scripts
from langgraph_dualstore.hot.memory import Memory
from langgraph_dualstore.operations.context import Context
from langgraph_dualstore.serialization import Codecs


def context_of(**options):
    settings = Settings(**options)
    return Context(settings, Codecs(JsonPlusSerializer()), Memory(settings.cache_bytes), Counters())


@pytest.fixture
def context():
    return context_of()


def play(operation, *replies):
    """Runs an operation on replies; returns the steps it took and what it returned."""
    steps = []
    try:
        step = next(operation)
        for reply in replies:
            steps.append(step)
            step = operation.send(reply)
    except StopIteration as finished:
        assert len(steps) == len(replies), "it ended before the last reply"
        return steps, finished.value
    raise AssertionError(f"it goes on with {step}")


def put(context, n, count, parent=None):
    values = {"messages": messages(count)}
    checkpoint = checkpoint_of(checkpoint_id(n), values, {"messages": n})
    config = config_of(id=parent and checkpoint_id(parent))
    return operations.put(context, config, checkpoint, {}, {"messages": n})


STORED = [b"0f", 0, 0, b"0 0", 0]


def test_a_put_is_one_step(context):
    (step,), config = play(put(context, 1, 3), STORED)
    assert config == config_of(id=checkpoint_id(1))
    assert step.script is scripts.PUT
    assert step.keys == context.keys("thread")
    generation, proof, _, _, address, _, _, appended, ttl, *_ = step.args
    assert (generation, proof) == ("", "")
    assert address == b"\0" + checkpoint_id(1).encode() + b"\0"
    assert len(appended) > 300
    assert ttl == 24 * 60 * 60 * 1000


def test_the_next_one_is_too_and_says_what_it_relies_on(context):
    (first,), _ = play(put(context, 1, 3), STORED)
    (second,), _ = play(put(context, 2, 4, parent=1), [b"0f", len(first.args[7]), 0, b"0 0", 0])
    stamp = first.args[5].encode()
    assert second.args[0] == "0f"
    assert second.args[1] == first.args[4] + b"0f " + stamp + b" "
    assert 0 < len(second.args[7]) < len(first.args[7])


def test_a_refused_put_is_planned_anew_on_what_is_stored(context):
    """Here: nothing. It then sends everything."""
    (first,), _ = play(put(context, 1, 3), STORED)
    steps, config = play(put(context, 2, 4, parent=1), None, None, [b"ab", 0, 0, b"0 0", 0])
    refused, read, second = steps
    assert refused.script is second.script is scripts.PUT
    assert read.script is scripts.READ
    assert second.args[:2] == ("", "")
    assert second.args[7].startswith(first.args[7])
    assert second.args[7].endswith(refused.args[7])
    assert config == config_of(id=checkpoint_id(2))
    assert refused.args[5] != second.args[5], "each attempt is told apart from any other"


def test_a_put_that_is_refused_again_and_again_comes_to_rely_on_nothing(context):
    """A thread that others delete and write all the time."""
    play(put(context, 1, 3), STORED)
    steps, _ = play(put(context, 2, 4, parent=1), None, None, None, [b"ab", 0, 0, b"0 0", 0])
    assert [step.script.name for step in steps] == ["put", "read", "put", "put"]
    assert steps[-1].args[:2] == ("", "")


def test_an_operation_that_is_not_run_to_its_end_remembers_nothing(context):
    operation = put(context, 1, 3)
    next(operation)
    operation.close()
    assert context.memory.get(context.keys("thread").head) is None


def test_a_read_that_misses_is_one_step(context):
    (step,), found = play(operations.get_tuple(context, config_of()), None)
    assert found is None
    assert step.script is scripts.READ


def test_writes_are_one_step_and_no_writes_are_none(context):
    config = config_of(id="1")
    (step,), _ = play(operations.put_writes(context, config, [("a", 1), ("b", 2)], "task"), [2, 0])
    assert step.script is scripts.WRITES
    assert play(operations.put_writes(context, config, [], "task")) == ([], None)
    with pytest.raises(ConfigurationError, match="checkpoint_id"):
        play(operations.put_writes(context, config_of(), [("a", 1)], "task"))


@pytest.mark.parametrize(
    ("reply", "left"),
    [(-2, timedelta(0)), (-1, None), (0, timedelta(0)), (1500, timedelta(seconds=1.5))],
)
def test_what_redis_says_of_a_life(context, reply, left):
    assert play(operations.ttl_of(context, "thread"), reply) == (
        [TimeLeft(context.keys("thread"))],
        left,
    )


@pytest.mark.parametrize("ttl", [None, timedelta(hours=24)])
def test_a_life_is_extended_by_the_setting_if_nothing_else_is_said(ttl):
    context = context_of(ttl=ttl)
    (step,), there = play(operations.extend_ttl(context, "thread"), 1)
    assert step.args == ("" if ttl is None else 86_400_000,)
    assert there is True


def test_deleting_runs_looks_at_every_thread(context):
    heads = [context.keys(name).head for name in ("one", "two {}")]
    steps, _ = play(
        operations.delete_for_runs(context, ["run"]), ("", 7, heads[:1]), ("", 0, heads), [], []
    )
    assert [step.cursor for step in steps[:2]] == [0, 7]
    assert all(isinstance(step, Scan) for step in steps[:2])
    assert [step.keys for step in steps[2:]] == [context.keys("one"), context.keys("two {}")]
    assert play(operations.delete_for_runs(context, []))[0] == []


def test_a_step_is_one_command_on_the_keys_of_one_slot(context):
    keys = context.keys("thread")
    assert command_of(Unlink(keys)) == ("UNLINK", *keys)
    assert command_of(TimeLeft(keys)) == ("PTTL", keys.head)
    script = scripts.PIN
    assert command_of(RunScript(script, keys)) == ("EVALSHA", script.sha, 5, *keys)
    assert command_of(RunScript(script, keys, (1, b"a")), load=True) == (
        "EVAL",
        script.source,
        5,
        *keys,
        1,
        b"a",
    )


def test_every_script_names_its_keys_arguments_and_reply():
    found = [value for value in vars(scripts).values() if isinstance(value, scripts.Script)]
    assert len(found) >= 12
    for script in found:
        header = script.source.split("\n\n")[0]
        kind = (
            "due" if script.name.startswith("queue_") else "head, checkpoints, writes, log, journal"
        )
        assert f"-- KEYS   {kind}" in header or script.name == "queue_sweep"
        assert "-- Reply" in header
        assert ("-- ARGV" in header) == ("ARGV" in script.source.replace(header, ""))
        assert "-- include" not in script.source
