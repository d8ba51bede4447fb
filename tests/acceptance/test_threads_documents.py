"""`state_document` and `turn_ranges`: the newest state as JSON that any service can read."""

from datetime import UTC, datetime

import pytest
from cold_archives import opened as opened_archive
from documents import checked
from graph_runner import thread
from graphs import chat_graph, says, tool_loop_graph
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage
from raw_checkpoints import put

from langgraph_dualstore import DualStoreSaver

TIME = "2024-01-01T00:00:00"


@pytest.fixture
def archive(either_archive):
    return either_archive


def put_into(saver, values, **given):
    return put(getattr(saver, "saver", saver), 1, values, **given)


def test_the_shape_that_the_specification_gives(open_saver):
    with open_saver() as saver:
        said = [
            HumanMessage("What?", id="h", turn=1, timestamp=TIME, exam_id="e7"),
            AIMessage("That.", id="a", turn=1, timestamp=TIME),
        ]
        put_into(saver, {"messages": said, "exam_id": "e7", "score": 0.5})
        assert checked(saver.state_document("thread")) == {
            "session_id": "thread",
            "current_turn": 1,
            "created_at": "2024-05-04T06:32:42.235444+00:00",
            "updated_at": "2024-05-04T06:32:42.235444+00:00",
            "messages": [
                {
                    "type": "human",
                    "content": "What?",
                    "turn": 1,
                    "timestamp": TIME,
                    "id": "h",
                    "exam_id": "e7",
                },
                {"type": "ai", "content": "That.", "turn": 1, "timestamp": TIME, "id": "a"},
            ],
            "exam_id": "e7",
            "score": 0.5,
            "_meta": {
                "updated_at": "2024-05-04T06:32:42.235444+00:00",
                "session_id": "thread",
            },
        }


def test_it_is_the_same_from_either_tier(open_saver, archive, redis_client):
    with open_saver(archive=archive, run_archiver=False) as saver:
        graph = tool_loop_graph(getattr(saver, "saver", saver))
        graph.invoke(says("one"), thread("t"))
        hot = checked(saver.state_document("t"))
        ranges = saver.turn_ranges("t")
        saver.archive_thread("t")
        redis_client.flushdb()
        cold = saver.state_document("t")
        # The archive may not know the checkpoint before the first message.
        assert {**cold, "created_at": 0} == {**hot, "created_at": 0}
        assert saver.turn_ranges("t") == ranges
        assert not redis_client.keys("*")
        assert hot["messages"][1]["tool_calls"][0]["args"] == {"a": 2, "b": 3}
        assert [m["type"] for m in hot["messages"]] == [
            "human",
            "ai",
            "tool",
            "tool",
            "ai",
            "tool",
            "ai",
        ]


def test_there_is_none_of_a_thread_that_is_nowhere(open_saver, archive):
    with open_saver(archive=archive) as saver:
        assert saver.state_document("t") is None
        assert saver.turn_ranges("t") == {}


def test_turns_are_those_that_messages_name_else_counted(open_saver):
    with open_saver() as saver:
        said = [
            SystemMessage("rules"),
            HumanMessage("one"),
            AIMessage("1"),
            HumanMessage("two", turn=5),
            AIMessage("2"),
            {"role": "user", "content": "three"},
            {"role": "assistant", "content": "3", "turn": "odd"},
        ]
        put_into(saver, {"messages": said})
        document = checked(saver.state_document("thread"))
        assert [m["turn"] for m in document["messages"]] == [0, 1, 1, 5, 5, 6, 6]
        assert document["current_turn"] == 6
        assert document["messages"][5]["type"] == "human"
        assert document["messages"][0]["timestamp"] is None
        assert saver.turn_ranges("thread") == {
            "0": {"start_msg_idx": 0, "end_msg_idx": 0},
            "1": {"start_msg_idx": 1, "end_msg_idx": 2},
            "5": {"start_msg_idx": 3, "end_msg_idx": 4},
            "6": {"start_msg_idx": 5, "end_msg_idx": 6},
        }


def test_it_follows_the_conversation(open_saver):
    with open_saver() as saver:
        graph = chat_graph(getattr(saver, "saver", saver))
        updated = ""
        for turn, text in enumerate(("one", "two", "three"), 1):
            graph.invoke(says(text), thread("t"))
            document = checked(saver.state_document("t"))
            assert document["current_turn"] == document["turns"] == turn
            assert document["updated_at"] > updated
            updated = document["updated_at"]
            assert len(saver.turn_ranges("t")) == turn
        assert document["created_at"] < document["updated_at"]
        assert not {name for name in document if name.startswith(("__", "branch:"))}


def test_the_archive_remembers_when_a_shallow_thread_began(open_saver, postgres_dsn):
    with (
        opened_archive(postgres_dsn) as archive,
        open_saver(archive=archive, run_archiver=False, keep_last=1) as saver,
    ):
        graph = chat_graph(getattr(saver, "saver", saver))
        graph.invoke(says("one"), thread("t"))
        saver.archive_thread("t")
        before = datetime.now(UTC).isoformat()
        graph.invoke(says("two"), thread("t"))
        document = saver.state_document("t")
        assert document["created_at"] < before < document["updated_at"]


def test_fields_that_are_called_like_the_documents_own_are_put_aside(open_saver):
    with open_saver() as saver:
        clashing = {"session_id": "other", "current_turn": 9, "_meta": {"a": 1}, "created_at": 0}
        put_into(saver, {**clashing, "messages": "none at all", "plain": 1})
        document = checked(saver.state_document("thread"))
        assert (document["session_id"], document["current_turn"]) == ("thread", 0)
        assert (document["messages"], document["plain"]) == ([], 1)
        assert document["_meta"]["state"] == {**clashing, "messages": "none at all"}
        assert saver.turn_ranges("thread") == {}


def test_other_lists_of_messages_are_told_as_messages(open_saver):
    with open_saver() as saver:
        put_into(saver, {"notes": [HumanMessage("a", id="1")], "messages": []})
        document = checked(saver.state_document("thread"))
        assert document["messages"] == []
        assert document["notes"] == [
            {"type": "human", "content": "a", "turn": 1, "timestamp": None, "id": "1"}
        ]


def test_what_is_no_message_among_messages_stays_what_it_is(open_saver):
    with open_saver() as saver:
        put_into(saver, {"messages": [HumanMessage("a"), "text", RemoveMessage(id="x"), 5]})
        document = checked(saver.state_document("thread"))
        assert document["messages"][0]["content"] == "a"
        assert document["messages"][1] == "text"
        assert document["messages"][3] == 5


def test_content_of_blocks_and_edits(open_saver):
    with open_saver() as saver:
        blocks = [{"type": "text", "text": "see"}, {"type": "image", "data": b"\x00"}]
        put_into(saver, {"messages": [HumanMessage("x", id="1")]})
        put(
            getattr(saver, "saver", saver),
            2,
            {"messages": [HumanMessage(blocks, id="1", name="ann")]},
        )
        (message,) = checked(saver.state_document("thread"))["messages"]
        assert message["content"][1] == {"type": "image", "data": "AA=="}
        assert message["name"] == "ann"


def test_looking_changes_nothing(redis_url, redis_client):
    with DualStoreSaver.from_conn_string(redis_url, refresh_on_read=True) as saver:
        chat_graph(saver).invoke(says("one"), thread("t"))
        for key in redis_client.keys("langgraph:state:{t}*"):
            redis_client.pexpire(key, 50_000)
        before = {key: redis_client.dump(key) for key in redis_client.scan_iter()}
        saver.state_document("t"), saver.turn_ranges("t"), saver.thread("t"), saver.list_threads()
        list(saver.export_thread("t"))
        assert {key: redis_client.dump(key) for key in redis_client.scan_iter()} == before
        assert saver.ttl_of("t").total_seconds() <= 50
