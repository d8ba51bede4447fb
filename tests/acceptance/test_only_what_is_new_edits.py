"""Whatever happens to a list between two steps is saved, and leaves the steps before."""

import copy

import pytest
from conversations import message, messages
from graph_runner import thread
from graphs import chat_graph, says
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from raw_checkpoints import config_of, put
from tuple_comparison import encoded

SERDE = JsonPlusSerializer()


@pytest.fixture
def saver(open_saver):
    with open_saver() as saver:
        yield saver


def conversation():
    return [
        HumanMessage("what is the weather?", id="m1", additional_kwargs={"deep": {"list": [1, 2]}}),
        AIMessage(
            "",
            id="m2",
            tool_calls=[{"name": "look", "args": {"at": {"place": "sky"}, "n": 1}, "id": "c1"}],
            usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        ),
        ToolMessage("grey " * 50, id="m3", tool_call_id="c1", artifact={"rows": [{"t": 1.0}]}),
        AIMessage([{"type": "text", "text": "it is grey " * 20}], id="m4", score=1),
        HumanMessage("thanks", id="m5", turn=1),
    ]


def change_arguments(said):
    said[1].tool_calls[0]["args"]["at"]["place"] = "sea"


def append_call(said):
    said[1].tool_calls.append({"name": "wait", "args": {}, "id": "c2", "type": "tool_call"})


IN_PLACE = {
    "content": lambda said: setattr(said[0], "content", "changed"),
    "a block of the content": lambda said: said[3].content[0].update(text="changed"),
    "another block": lambda said: said[3].content.append({"type": "text", "text": "more"}),
    "a nested list": lambda said: said[0].additional_kwargs["deep"]["list"].append(3),
    "a new key": lambda said: said[0].additional_kwargs.update(new=None),
    "a key less": lambda said: said[0].additional_kwargs.pop("deep"),
    "a tool call's arguments": change_arguments,
    "one more tool call": append_call,
    "an artifact": lambda said: said[2].artifact["rows"][0].update(t=2.0),
    "the status": lambda said: setattr(said[2], "status", "error"),
    "the usage": lambda said: said[1].usage_metadata.update(output_tokens=5),
    "the id": lambda said: setattr(said[4], "id", "another"),
    "an extra attribute": lambda said: setattr(said[4], "turn", 2),
    "one more attribute": lambda said: setattr(said[4], "mood", {"happy": True}),
    "1 to True": lambda said: setattr(said[4], "turn", True),
    "1 to 1.0": lambda said: setattr(said[4], "turn", 1.0),
    "1 to True, nested": lambda said: said[1].tool_calls[0]["args"].update(n=True),
    "1.0 to 1, nested": lambda said: said[2].artifact["rows"][0].update(t=1),
    "0.0 to -0.0": lambda said: said[2].artifact["rows"][0].update(t=-0.0),
    "text to bytes": lambda said: said[0].additional_kwargs.update(deep=b"1"),
    "the order of keys": lambda said: said[0].additional_kwargs.update(
        deep={"z": 1, "list": said[0].additional_kwargs["deep"].pop("list")}
    ),
}


@pytest.mark.parametrize("change", IN_PLACE)
def test_a_change_in_place_is_saved(saver, fresh, change):
    """In a list that is as long as before, and in one that has grown."""
    for name, more in (("as long", []), ("longer", [message(6)])):
        said = conversation()
        before = copy.deepcopy(said)
        first = put(saver, 1, {"messages": said}, thread_id=name)
        IN_PLACE[change](said)
        said.extend(more)
        second = put(saver, 2, {"messages": said}, parent=first, thread_id=name)
        third = put(saver, 3, {"messages": said}, parent=second, thread_id=name)
        for reader in (fresh, saver):
            assert_messages(reader, first, before)
            assert_messages(reader, second, said)
            assert_messages(reader, third, said)
        assert encoded(said) != encoded(before)


def assert_messages(reader, config, expected):
    """What the serializer gives for it: it takes a tuple for a list."""
    found = reader.get_tuple(config).checkpoint["channel_values"]["messages"]
    assert encoded(found) == encoded(expected)
    assert found == SERDE.loads_typed(encoded(expected))


def test_what_a_reader_does_to_what_it_read_is_saved_when_it_is_put(saver, fresh):
    """The objects of `get_tuple` are the caller's own; the saver keeps no second use of them."""
    first = put(saver, 1, {"messages": conversation()})
    read = saver.get_tuple(first).checkpoint["channel_values"]["messages"]
    read[2].artifact["rows"].append("changed")
    assert_messages(saver, first, conversation())
    second = put(saver, 2, {"messages": read}, parent=first)
    assert_messages(fresh, second, read)
    assert_messages(fresh, first, conversation())


def test_messages_that_share_a_part_are_changed_with_it(saver, fresh):
    shared = {"k": [1]}
    said = [HumanMessage("x" * 200, additional_kwargs=shared, id=str(n)) for n in range(3)]
    for item in said:
        item.additional_kwargs = shared
    first = put(saver, 1, {"messages": said})
    shared["k"].append(2)
    second = put(saver, 2, {"messages": [*said, message(9)]}, parent=first)
    found = fresh.get_tuple(second).checkpoint["channel_values"]["messages"]
    assert [item.additional_kwargs for item in found] == [{"k": [1, 2]}] * 3 + [{}]


SEQUENCES = {
    "edit, edit back": lambda said: [
        [*said[:5], message(6, "edited"), *said[6:]],
        said,
        [*said, message(11)],
    ],
    "remove, bring back": lambda said: [said[1:], said, said[1:]],
    "shrink, grow, shrink": lambda said: [said[:3], [*said[:3], message(20)], said[:1], said],
    "shrink to nothing, grow": lambda said: [[], [message(20)], [], said],
    "reverse, reverse": lambda said: [said[::-1], said, said[::-1]],
    "turn round and round": lambda said: [said[n:] + said[:n] for n in range(1, 6)],
    "duplicates": lambda said: [said + said, [said[0]] * 5, [*said, said[0], said[0]], said],
    "duplicates apart": lambda said: [
        [said[0], *said],
        [said[3], *said, said[3]],
        [*said, said[3]],
    ],
    "every other": lambda said: [said[::2], said[1::2], said],
    "one in front of all, each time": lambda said: [
        [*reversed(messages(n, start=20)), *said] for n in range(1, 6)
    ],
    "no list in between": lambda said: [None, said, "text " * 100, said, {"a": 1}, said],
    "other things in the list": lambda said: [[*said, 1], [*said, 1, "x" * 300], said],
    "other things first": lambda said: [[1, *said], [1, *said, message(20)], [message(20), 1]],
    "a tuple": lambda said: [tuple(said), said, tuple(said)],
    "a message alone": lambda said: [said[0], said[:1], said[0]],
    "empty messages": lambda said: [[*said, HumanMessage("")], [HumanMessage("")] * 3, said],
    "same id": lambda said: [[*said, message(1, "another with the id of the first")], said],
}


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_list_may_become_any_other(saver, fresh, sequence):
    said = messages(10)
    states = [said, *SEQUENCES[sequence](said)]
    configs, last = [], None
    for n, state in enumerate(states, 1):
        # Beside it another list grows, so that its parts lie apart.
        last = put(saver, n, {"messages": state, "notes": ["note " * 50] * n}, parent=last)
        configs.append(last)
        assert_messages(fresh, last, state)
    for config, state in zip(configs, states, strict=True):
        assert_messages(saver, config, state)
    listed = [found.checkpoint["channel_values"]["messages"] for found in fresh.list(config_of())]
    assert encoded(listed[::-1]) == encoded(states)


def test_many_edits_leave_every_version_as_it_was(saver, fresh):
    """More pieces than a reference list may have."""
    said, states, last = messages(600), [], None
    for n in range(1, 5):
        said = said[::2] + said[1::2]
        states.append(said)
        last = put(saver, n, {"messages": said}, parent=last)
    found = [item.checkpoint["channel_values"]["messages"] for item in fresh.list(config_of())]
    assert found == states[::-1]


def test_lists_of_plain_values_change_in_every_way(saver, fresh):
    line = "line " * 40
    states = [
        [{"a": line}, {"b": 1}],
        [{"a": line}, {"b": True}],
        [{"a": line}, {"b": True}, line],
        [line],
        [{"a": line}, [line, line], line],
        [[{"a": line}], [line, line], line],
        [],
        [line] * 3,
        [line] * 4,
        [line, line],
        [[line, line]],
    ]
    last, configs = None, []
    for n, state in enumerate(states, 1):
        last = put(saver, n, {"a": state}, parent=last)
        configs.append(last)
    for config, state in zip(configs, states, strict=True):
        found = fresh.get_tuple(config).checkpoint["channel_values"]["a"]
        assert encoded(found) == encoded(state)


def test_a_graph_that_removes_all_its_messages_begins_anew(saver, fresh):
    inner = getattr(saver, "saver", saver)
    graph = chat_graph(inner)
    for n in range(5):
        graph.invoke(says(f"turn {n} " * 30), thread())
    before = graph.get_state(thread())
    everything = [RemoveMessage(id=REMOVE_ALL_MESSAGES)]
    graph.update_state(thread(), {"messages": [*everything, HumanMessage("summary", id="s")]})
    result = graph.invoke(says("and now?"), thread())
    texts = ["summary", "and now?", "6: and now?"]
    assert [item.text for item in result["messages"]] == texts
    graph.update_state(thread(), {"messages": everything})
    assert chat_graph(fresh).get_state(thread()).values["messages"] == []
    assert chat_graph(fresh).get_state(before.config).values == before.values
    graph.invoke(says("again"), thread())
    texts = ["again", "7: again"]
    assert [m.text for m in chat_graph(fresh).get_state(thread()).values["messages"]] == texts


def test_a_graph_that_edits_and_removes_by_id_saves_that(saver, fresh):
    graph = chat_graph(getattr(saver, "saver", saver))
    for n in range(4):
        graph.invoke(says(f"turn {n}"), thread())
    graph.update_state(
        thread(),
        {"messages": [HumanMessage("edited", id="says-turn 1"), RemoveMessage(id="says-turn 0")]},
    )
    graph.invoke(says("turn 4"), thread())
    texts = [item.text for item in chat_graph(fresh).get_state(thread()).values["messages"]]
    assert texts[:3] == ["1: turn 0", "edited", "2: turn 1"]
    assert texts[-2:] == ["turn 4", "5: turn 4"]
    for state in chat_graph(fresh).get_state_history(thread()):
        assert state.values == graph.get_state(state.config).values
