"""Positions and turns, and what an archive changes in a session's messages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cold_archives import START, said

from langgraph_dualstore.cold.numbering import Edited, Known, number
from langgraph_dualstore.cold.texts import NAME_LENGTH, json_text, name, storable, thread_key

NOW = START + timedelta(hours=1)
CHANNEL = "messages"


def numbered(*rows, present=None, known=None, message_count=0, turn_count=0):
    return number(
        rows,
        present or {},
        {(CHANNEL, key): old for key, old in (known or {}).items()},
        message_count=message_count,
        turn_count=turn_count,
        now=NOW,
    )


def turns(*rows, **given) -> list[int]:
    return [placed.turn for placed in numbered(*rows, **given).new]


def test_a_users_message_begins_the_next_turn():
    roles = ("system", "assistant", "user", "assistant", "tool", "user", "user", "system")
    rows = [said(str(n), role) for n, role in enumerate(roles)]
    assert turns(*rows) == [0, 0, 1, 1, 1, 2, 3, 3]
    assert turns(*rows, turn_count=4) == [4, 4, 5, 5, 5, 6, 7, 7]


def test_a_turn_that_a_message_names_is_begun():
    assert turns(said("a", turn=3), said("b", "assistant"), said("c")) == [3, 3, 4]
    assert turns(said("a", turn=1), said("b"), turn_count=5) == [1, 6]
    assert turns(said("a", turn=0), said("b", turn=-7), said("c")) == [0, -7, 1]


def test_the_last_turn_there_can_be_is_not_passed():
    last = (1 << 31) - 1
    assert turns(said("a", turn=last), said("b")) == [last, last]


def test_positions_go_on_from_those_that_are_there():
    result = numbered(said("a"), said("b"), message_count=7)
    assert [placed.position for placed in result.new] == [7, 8]
    assert result.message_count == 9


def test_spans_enclose_a_turns_new_messages():
    rows = (said("a", turn=1), said("b", turn=2, created_at=NOW), said("c", "assistant", turn=1))
    spans = numbered(*rows, message_count=4).spans
    assert {turn: (span.start, span.end) for turn, span in spans.items()} == {1: (4, 6), 2: (5, 5)}
    assert (spans[1].created_at, spans[2].created_at) == (START, NOW)


def test_a_known_message_is_edited_in_its_place():
    newer = said("a", content="new", token_count=5)
    result = numbered(newer, said("b"), known={"a": Known(17, 3, None)}, message_count=1)
    assert result.edited == [Edited(17, newer, None)]
    assert [placed.position for placed in result.new] == [1]
    assert (result.tokens, result.recount) == (2, False)


@pytest.mark.parametrize(
    ("old", "new", "tokens", "recount"),
    [(None, None, None, False), (None, 4, 4, False), (4, 4, 0, False), (4, None, None, True)],
)
def test_tokens_are_what_is_added(old, new, tokens, recount):
    result = numbered(said("a", token_count=new), known={"a": Known(1, old, None)})
    assert (result.tokens, result.recount) == (tokens, recount)


def test_only_what_changes_is_removed_or_brought_back():
    known = {
        "left": Known(1, None, None),
        "gone": Known(2, None, None),
        "was gone": Known(3, None, START),
        "back": Known(4, None, START),
    }
    result = numbered(present={CHANNEL: ["left", "back"]}, known=known)
    assert result.removals == {2: NOW, 4: None}


def test_an_edited_message_that_is_not_present_stays_removed_since_then():
    known = {"a": Known(1, None, START), "b": Known(2, None, None), "c": Known(3, None, START)}
    rows = [said("a"), said("b"), said("c")]
    result = numbered(*rows, present={CHANNEL: ["c"]}, known=known)
    assert [edited.removed_at for edited in result.edited] == [START, NOW, None]
    assert result.removals == {}


def test_names_that_differ_stay_different_and_fit_into_an_index():
    texts = ["", "a", "\0", "\ufffd", "\ud800", "x" * 200, "x" * 201, "x" * 202, "🙂" * 5000]
    names = [name(text) for text in texts]
    assert len(set(names)) == len(texts)
    assert all(len(made) <= NAME_LENGTH + 17 and "\0" not in made for made in names)
    assert [made.encode() for made in names]
    assert name("x" * 200) == "x" * 200
    assert len({storable(text) for text in texts}) == len(texts)
    assert len({thread_key(text) for text in texts}) == len(texts)


def test_json_that_cannot_be_stored_is_replaced():
    deep: list = []
    for _ in range(2000):
        deep = [deep]
    assert json_text({"a": [1, None, True, "ü"]}) == '{"a":[1,null,true,"ü"]}'
    assert json_text({"a\0": "\ud800", "b": float("nan")}) == '{"a\ufffd":"\ufffd","b":"nan"}'
    assert json_text({"a": {1, 2}.__class__}) == '{"a":"<class \'set\'>"}'
    assert len(json_text({"deep": deep, "x": "\0"})) < 100_000
