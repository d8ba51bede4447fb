"""What README.md shows in SQL, each query run on conversations that a graph has had."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from psycopg.rows import namedtuple_row
from servers.postgres import fresh_database

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.cli.demo.dialogs import load_dialogs, question_of, spread
from langgraph_dualstore.cli.demo.graph import recorded_graph

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SQL = re.findall(r"^```sql\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
HEADINGS = re.findall(r"^([^\n]+):\n\n```sql$", README, re.MULTILINE)

KNOWN = {
    "last conversations of a user",
    "A transcript",
    "What the graph's state holds now",
    "Full-text search",
    "Users who got no answer",
    "Sessions by status",
    "Tokens per day",
    "Which tools were called",
    "longest conversations",
    "What was said in the last hour",
    "What there is of a user",
}

DIALOGS = spread(load_dialogs(), 24)
ANNS = DIALOGS[:8]
BEGAN = datetime.now(UTC)


class Paused(MessagesState):
    answer: str


def summarizing_graph(saver):
    """Answers, counts its tokens, and forgets what was said before when it has become much."""

    def answer(state):
        said = AIMessage(
            f"{len(state['messages'])}",
            usage_metadata={"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
        )
        old = state["messages"][:-1] if len(state["messages"]) > 4 else []
        return {"messages": [*(RemoveMessage(message.id) for message in old), said]}

    builder = StateGraph(MessagesState)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


def asking_graph(saver):
    builder = StateGraph(Paused)
    builder.add_node("ask", lambda _: {"answer": interrupt("sure?")})
    builder.add_edge(START, "ask")
    return builder.compile(checkpointer=saver)


def failing_graph(saver):
    def fail(_):
        raise ZeroDivisionError

    builder = StateGraph(MessagesState)
    builder.add_node("fail", fail)
    builder.add_edge(START, "fail")
    return builder.compile(checkpointer=saver)


def converse(saver):
    graph = recorded_graph(saver, DIALOGS)
    for dialog in DIALOGS:
        user = "ann" if dialog in ANNS else "bob"
        config = {"configurable": {"thread_id": dialog.id, "dialog": dialog.id, "user_id": user}}
        for question in dialog.questions:
            graph.invoke({"messages": [question_of(question)]}, config)
    ours = {"configurable": {"thread_id": "1", "user_id": "carl"}}
    for n in range(4):
        summarizing_graph(saver).invoke({"messages": [HumanMessage(f"question {n}")]}, ours)
    asked = {"configurable": {"thread_id": "asked", "user_id": "carl"}}
    asking_graph(saver).invoke({"messages": [HumanMessage("may I?")]}, asked)
    failed = {"configurable": {"thread_id": "failed", "user_id": "dora"}}
    with pytest.raises(ZeroDivisionError):
        failing_graph(saver).invoke({"messages": [HumanMessage("hello?")]}, failed)
    for thread_id in ("asked", "failed"):
        assert saver.archive_thread(thread_id) == "archived"
    deleted = {"configurable": {"thread_id": "deleted", "user_id": "ann"}}
    summarizing_graph(saver).invoke({"messages": [HumanMessage("forget me")]}, deleted)
    assert saver.flush()
    saver.delete_thread("deleted")


@pytest.fixture(scope="module")
def database(redis_server, _postgres_admin, postgres_server):
    with fresh_database(_postgres_admin, postgres_server.url) as dsn:
        with DualStoreSaver.from_conn_string(redis_server.url, dsn, prefix="readme:sql") as saver:
            saver.setup()
            converse(saver)
        with psycopg.connect(dsn, autocommit=True, row_factory=namedtuple_row) as connection:
            connection.execute("ANALYZE")
            yield connection


@pytest.fixture
def ask(database):
    def ask(heading):
        (text,) = [text for name, text in zip(HEADINGS, SQL, strict=True) if heading in name]
        return database.execute(text).fetchall()

    return ask


def texts(role=None):
    return [
        message["content"]
        for dialog in DIALOGS
        for message in dialog.messages
        if role in (None, message["role"])
    ]


def test_every_query_is_known():
    assert len(SQL) == len(HEADINGS) == len(KNOWN)
    for heading in HEADINGS:
        assert len([name for name in KNOWN if name in heading]) == 1


def test_the_last_conversations_of_a_user(ask):
    found = ask("last conversations of a user")
    assert [row.thread_id for row in found] == [dialog.id for dialog in reversed(ANNS)]
    assert {row.status for row in found} == {"finished"}
    counted = [(row.turn_count, row.message_count) for row in reversed(found)]
    assert counted == [(len(dialog.questions), len(dialog.messages)) for dialog in ANNS]


def test_a_transcript(ask):
    found = ask("A transcript")
    assert [(row.turn, row.role, row.content) for row in found] == [
        (1, "user", "question 0"),
        (1, "assistant", "1"),
        (2, "user", "question 1"),
        (2, "assistant", "3"),
        (3, "user", "question 2"),
        (3, "assistant", "5"),
        (4, "user", "question 3"),
        (4, "assistant", "3"),
    ]
    times = [row.created_at for row in found]
    assert times == sorted(times)
    assert times[0] >= BEGAN


def test_what_the_state_holds_and_what_was_removed(ask):
    found = ask("What the graph's state holds now")
    assert [row.content for row in found if row.in_state] == ["question 2", "5", "question 3", "3"]
    assert [row.position for row in found] == list(range(8))
    assert [row.position for row in found if row.removed_at] == [0, 1, 2, 3]


def test_full_text_search(ask, database):
    found = ask("Full-text search")
    expected = [
        content
        for content in texts()
        if re.search(r"\boat[^\w]+milk\b", content, re.IGNORECASE)
        and not re.search(r"\bvanilla\b", content, re.IGNORECASE)
    ]
    assert 0 < len(expected) <= 20
    assert sorted(row.content for row in found) == sorted(expected)
    (text,) = [text for text in SQL if "prompt_search(" in text]
    with database.transaction():
        database.execute("SET LOCAL enable_seqscan = off")
        plan = database.execute(f"EXPLAIN {text}").fetchall()
    assert "prompt_messages_search" in str(plan)


def test_users_who_got_no_answer(ask):
    found = ask("Users who got no answer")
    assert [(row.thread_id, row.user_id, row.status, row.content) for row in found] == [
        ("asked", "carl", "interrupted", "may I?"),
        ("failed", "dora", "error", "hello?"),
    ]


def test_sessions_by_status(ask):
    found = {row.status: row.sessions for row in ask("Sessions by status")}
    assert found == {"finished": len(DIALOGS) + 1, "interrupted": 1, "error": 1}


def test_tokens_per_day(ask):
    found = ask("Tokens per day")
    assert sum(row.tokens for row in found) == 4 * 7
    assert {row.day for row in found} <= {BEGAN.date(), datetime.now(UTC).date()}


def test_which_tools_were_called(ask):
    calls = Counter(
        call["name"]
        for dialog in DIALOGS
        for message in dialog.messages
        for call in message.get("tool_calls", ())
    )
    found = ask("Which tools were called")
    assert {row.tool: row.calls for row in found} == calls
    assert [row.calls for row in found] == sorted(calls.values(), reverse=True)


def test_the_longest_conversations(ask):
    found = ask("longest conversations")
    lengths = sorted((len(dialog.messages) for dialog in DIALOGS), reverse=True)
    assert [row.message_count for row in found] == lengths[:10]
    assert all(row.duration.total_seconds() > 0 for row in found)


def test_what_was_said_in_the_last_hour(ask):
    found = ask("What was said in the last hour")
    recorded = {dialog.id for dialog in DIALOGS}
    ours = Counter(row.content for row in found if row.thread_id in recorded)
    assert ours == Counter(texts())
    assert len(found) == len(texts()) + 8 + 2
    assert [row.created_at for row in found] == sorted(row.created_at for row in found)


def test_what_there_is_of_a_user(ask):
    found = ask("What there is of a user")
    assert [(row.thread_id, row.messages) for row in found] == [
        (dialog.id, len(dialog.messages)) for dialog in ANNS
    ]
    assert all(row.deleted_at is None and row.since >= BEGAN for row in found)


def test_the_columns_are_those_of_the_tables(database):
    rows = re.findall(r"^\| `(prompt_\w+)` \| [^|]+ \| (`.+`) \|$", README, re.MULTILINE)
    hidden = {"id", "thread_key", "thread_bytes", "mark", "checkpoint_id", "generation", "delta"}
    assert len(rows) == 3
    for table, columns in rows:
        found = database.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
        )
        assert {row.column_name for row in found} - hidden == set(re.findall(r"`(\w+)`", columns))
