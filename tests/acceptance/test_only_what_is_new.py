"""A step sends what is new in it, however long the thread is.

Bytes are counted on the server.
"""

import itertools

import pytest
from conversations import message, messages, talk
from graph_runner import thread
from graphs import chat_graph, says
from raw_checkpoints import config_of, put, values_at
from stored_threads import bytes_held, bytes_received

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.serialization.shapes import Shape

BARE_PUT = 1200
"""What a put of a message sends besides its values, generously: keys, ids, versions, metadata."""


@pytest.fixture
def saver(open_saver):
    with open_saver() as saver:
        yield saver


@pytest.fixture
def sent(redis_client):
    """Calls something and returns how many bytes it sent."""

    def count(call, *args, **kwargs):
        before = bytes_received(redis_client)
        call(*args, **kwargs)
        return bytes_received(redis_client) - before

    empty = count(lambda: None)
    return lambda *args, **kwargs: count(*args, **kwargs) - empty


class Steps:
    """Puts one step after the other, each a child of the one before."""

    def __init__(self, saver, **options):
        self.saver = saver
        self.numbers = itertools.count(1)
        self.last = None
        self.options = options

    def put(self, values, **options):
        n = next(self.numbers)
        self.last = put(self.saver, n, values, parent=self.last, **self.options, **options)
        return self.last


def test_a_step_of_a_long_conversation_sends_what_one_of_a_short_one_sends(saver, fresh, sent):
    steps, said, costs = Steps(saver), [], {}
    for n in range(1, 601):
        said = [*said, message(n, "always the same " * 10)]
        costs[n] = sent(steps.put, {"messages": said})
    assert costs[600] <= costs[10] + 50
    assert max(list(costs.values())[5:]) <= costs[10] + 200
    assert [item.id for item in values_at(fresh, config_of())["messages"]] == [m.id for m in said]


def test_a_turn_of_a_graph_sends_the_same_early_and_late(saver, sent):
    graph = chat_graph(getattr(saver, "saver", saver))
    invoke = graph.invoke
    if saver is not graph.checkpointer:
        invoke = lambda *args: saver.loop.run(graph.ainvoke(*args))  # noqa: E731
    costs = [sent(invoke, says(f"turn {n:03}"), thread()) for n in range(80)]
    assert max(costs[70:]) <= max(costs[5:15]) * 1.1
    assert costs[75] < 10_000


STRETCHES = range(1, 10), range(10, 210), range(210, 401), range(401, 601)
"""Of 600 steps, the second and the last are compared."""


def test_two_lists_that_grow_side_by_side_cost_the_same_early_and_late(saver, fresh, sent):
    """Their parts alternate in the log."""
    steps, said, notes = Steps(saver), [], []

    def put_some(numbers):
        for n in numbers:
            said.append(message(n, "always the same " * 10))
            notes.append({"note": "always the same " * 10, "of": "message"})
            steps.put({"messages": list(said), "notes": list(notes)})

    _, early, _, late = (sent(put_some, numbers) for numbers in STRETCHES)
    # Their parts are counted, up to 256, and then stored in one piece again.
    assert late <= early * 2
    values = values_at(fresh, config_of())
    assert [item.id for item in values["messages"]] == [m.id for m in said]
    assert values["notes"] == notes


def test_a_graph_and_its_subgraph_cost_the_same_early_and_late(saver, fresh, sent):
    """Two namespaces of one thread alternate in its log."""
    spaces = {ns: Steps(saver, ns=ns) for ns in ("", "child:1")}
    said = []

    def put_some(numbers):
        for n in numbers:
            said.append(message(n, "always the same " * 10))
            for steps in spaces.values():
                steps.put({"messages": list(said)})

    _, early, _, late = (sent(put_some, numbers) for numbers in STRETCHES)
    # Their parts are counted, up to 256, and then stored in one piece again.
    assert late <= early * 2
    for ns in spaces:
        found = values_at(fresh, config_of(ns=ns))["messages"]
        assert [item.id for item in found] == [m.id for m in said]


def test_a_hundred_turns_are_sent_and_held_in_little_room(redis_url, sent, redis_client):
    with DualStoreSaver.from_conn_string(redis_url) as saver:
        graph = chat_graph(saver)
        received = sent(lambda: [graph.invoke(says(f"{n} " * 80), thread()) for n in range(100)])
    assert received <= 900_000
    assert bytes_held(redis_client) <= 1_200_000


CONTINUED = {
    "messages": messages(200),
    "texts": [f"line {n} " * 10 for n in range(200)],
    "dicts": [{"n": n, "text": f"line {n} " * 10} for n in range(200)],
    "lists": [[n, [f"line {n} " * 10]] for n in range(200)],
    "mixed": [*messages(50), *({"n": n} for n in range(500)), None, 1.5, b"\x00" * 1000],
}
MORE = {
    "messages": messages(1, start=201),
    "texts": ["one more"],
    "dicts": [{"one": "more"}],
    "lists": [["one more"]],
    "mixed": ["one more"],
}


@pytest.mark.parametrize("kind", CONTINUED)
def test_a_list_that_grows_sends_its_new_end(saver, fresh, sent, kind):
    steps = Steps(saver)
    given = CONTINUED[kind]
    assert sent(steps.put, {"a": given}) > 10_000
    for n in range(1, 4):
        given = [*given, *MORE[kind]]
        assert sent(steps.put, {"a": given}) < BARE_PUT, f"step {n}"
        assert values_at(fresh, steps.last) == {"a": given}


@pytest.mark.parametrize("kind", CONTINUED)
def test_a_list_that_grows_in_place_does_so_too(saver, fresh, sent, kind):
    steps = Steps(saver)
    given = list(CONTINUED[kind])
    before = list(given)
    first = steps.put({"a": given})
    given.extend(MORE[kind])
    assert sent(steps.put, {"a": given}) < BARE_PUT
    assert values_at(fresh, steps.last) == {"a": given}
    assert values_at(fresh, first) == {"a": before}


@pytest.mark.parametrize("kind", CONTINUED)
@pytest.mark.parametrize("reads_first", [True, False], ids=["reads first", "puts at once"])
def test_a_process_that_was_not_there_sends_no_more(redis_url, saver, sent, kind, reads_first):
    steps, given = Steps(saver), CONTINUED[kind]
    steps.put({"a": given})
    given = [*given, *MORE[kind]]
    warm = sent(steps.put, {"a": given})
    with DualStoreSaver.from_conn_string(redis_url) as another:
        asks = sent(another.get_tuple, config_of("a thread to say hello with"))
        if reads_first:
            asks = 0
            given = values_at(another, steps.last)["a"]
        given = [*given, *MORE[kind]]
        steps.saver = another
        assert sent(steps.put, {"a": given}) <= warm + asks + 50
        assert values_at(saver, steps.last) == {"a": given}


BIG = {
    "text": "x" * 100_000,
    "bytes": bytes(range(256)) * 400,
    "dict": {f"key {n}": [n, "y" * 100] for n in range(1000)},
    "message": message(1, "z" * 100_000),
    "messages": messages(300),
    "numbers": list(range(50_000)),
}


@pytest.mark.parametrize("kind", BIG)
def test_a_big_value_that_stays_is_sent_once(saver, fresh, sent, kind):
    steps = Steps(saver)
    assert sent(steps.put, {"a": BIG[kind], "b": 0}, versions={"a": 1, "b": 1}) > 20_000
    for n in (2, 3, 4):
        values, versions = {"a": BIG[kind], "b": n}, {"a": 1, "b": n}
        assert sent(steps.put, values, versions=versions, new=["b"]) < BARE_PUT
    # Written again, with the same content.
    assert sent(steps.put, {"a": BIG[kind], "b": 5}) < BARE_PUT
    for found in fresh.list(config_of()):
        assert found.checkpoint["channel_values"]["a"] == BIG[kind]


@pytest.mark.parametrize("size", [1, 127, 128, 129, 1000, 16_383, 16_384, 16_385, 40_000])
@pytest.mark.parametrize("make", [lambda n: "v" * n, lambda n: b"\x00" * n], ids=["text", "bytes"])
def test_a_value_of_any_size_that_stays_is_read_back_at_every_step(saver, fresh, sent, make, size):
    """One that lay with its step first moves to where it can be referred to."""
    steps, value = Steps(saver), make(size)
    put_at = [steps.put({"a": value, "b": 1}, versions={"a": 1, "b": 1})]
    for n in range(2, 6):
        values, versions = {"a": value, "b": n}, {"a": 1, "b": n}
        cost = sent(lambda: put_at.append(steps.put(values, versions=versions, new=["b"])))  # noqa: B023
        if n > 2:
            assert cost < BARE_PUT
    for n, config in enumerate(put_at, 1):
        assert values_at(fresh, config) == {"a": value, "b": n}
    assert values_at(saver, put_at[-1]) == {"a": value, "b": 5}


def test_unchanged_values_may_be_left_out(saver, fresh, sent):
    """A caller that only hands over what a step wrote."""
    steps = Steps(saver)
    steps.put({"a": BIG["messages"], "b": BIG["dict"], "c": 1})
    versions = {"a": 1, "b": 1, "c": 2}
    assert sent(steps.put, {"c": 2}, versions=versions, new=["c"]) < BARE_PUT
    expected = {"a": BIG["messages"], "b": BIG["dict"], "c": 2}
    assert values_at(fresh, config_of()) == expected
    steps.saver = fresh
    steps.put({"c": 3}, versions={**versions, "c": 3}, new=["c"])
    assert values_at(saver, config_of()) == {**expected, "c": 3}


EDITS = {
    "an edit in the middle": lambda said: [*said[:100], message(100, "edited"), *said[101:]],
    "an edit at the start": lambda said: [message(1, "edited"), *said[1:]],
    "the removal of the first": lambda said: said[1:],
    "the removal of some": lambda said: [m for n, m in enumerate(said) if n % 20],
    "a shorter list": lambda said: said[:50],
    "a turned list": lambda said: said[100:] + said[:100],
    "a swap": lambda said: [said[1], said[0], *said[2:]],
    "an insertion": lambda said: [*said[:77], message(999, "inserted"), *said[77:]],
    "a summary": lambda said: [message(0, "summary"), *said[-4:]],
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_list_sends_what_is_new_in_it(saver, fresh, sent, edit):
    steps, said = Steps(saver), messages(200)
    first = steps.put({"messages": said})
    edited = EDITS[edit](said)
    assert sent(steps.put, {"messages": edited}) < BARE_PUT + 200
    assert values_at(fresh, config_of()) == {"messages": edited}
    again = [*edited, message(1000)]
    assert sent(steps.put, {"messages": again}) < BARE_PUT + 200
    assert values_at(fresh, config_of()) == {"messages": again}
    assert values_at(fresh, first) == {"messages": said}


def test_a_fork_sends_only_what_is_new_in_it(saver, fresh, sent):
    steps, said = Steps(saver), messages(200)
    root = steps.put({"messages": said})
    steps.put({"messages": [*said, message(201, "one branch")]})
    steps.last = root
    assert sent(steps.put, {"messages": [*said, message(201, "another")]}) < BARE_PUT
    steps.last = root
    assert sent(steps.put, {"messages": said}) < BARE_PUT
    texts = [
        found.checkpoint["channel_values"]["messages"][-1].text for found in fresh.list(config_of())
    ]
    assert texts == [said[-1].text, "another", "one branch", said[-1].text]


def test_a_copy_goes_on_as_cheaply(saver, fresh, sent):
    last = talk(saver, 200)
    saver.copy_thread("thread", "copy")
    said = [*values_at(saver, config_of("copy"))["messages"], message(201)]
    assert sent(put, saver, 201, {"messages": said}, parent=last, thread_id="copy") < BARE_PUT
    assert values_at(fresh, config_of("copy")) == {"messages": said}
    assert len(values_at(fresh, config_of())["messages"]) == 200


def test_only_messages_that_are_new_to_a_process_are_validated(saver, fresh, monkeypatch):
    looked_at = []
    look = Shape._stays
    monkeypatch.setattr(Shape, "_stays", lambda *args: looked_at.append(1) or look(*args))
    steps, said = Steps(saver), messages(20)
    steps.put({"messages": said})
    assert values_at(saver, steps.last) == {"messages": said}
    assert len(looked_at) == 20
    steps.put({"messages": [*said, message(21), message(22)]})
    assert values_at(saver, steps.last) == {"messages": [*said, message(21), message(22)]}
    assert len(looked_at) == 22
    assert len(values_at(fresh, steps.last)["messages"]) == 22
    assert len(looked_at) == 44
    edited = [message(1, "edited"), *said[1:]]
    steps.put({"messages": edited})
    assert values_at(saver, steps.last) == {"messages": edited}
    assert len(looked_at) == 64
