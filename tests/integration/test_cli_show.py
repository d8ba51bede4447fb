"""The command `show`: a thread in either tier, which a terminal can be shown whatever it says."""

import json

import pytest
from command_line import at_terminal
from graph_runner import thread
from graphs import chat_graph, says, tool_loop_graph
from langchain_core.messages import AIMessage, HumanMessage
from memory_archive import MemoryArchive
from raw_checkpoints import put
from rich.cells import cell_len

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.hot.keys import thread_keys

HOSTILE = (
    "\x1b[2J\x1b[31mcleared\x1b]0;title\x07\r\x9b1A[red]not red[/] :smile:\n中文" + "long " * 40
)


def flat(text):
    return " ".join(text.split())


def place(application, redis_client, where):
    """Leave the thread `t` in a tier."""
    if where != "hot":
        application.archive_thread("t")
    if where == "cold":
        redis_client.flushdb()


@pytest.mark.parametrize("where", ["hot", "cold", "both"])
def test_a_thread_is_told_of_wherever_it_is(application, redis_client, cli, where):
    tool_loop_graph(application).invoke(says("what is 2 + 3?"), thread("t", user_id="ann"))
    place(application, redis_client, where)
    done = cli("show", "t")
    assert (done.returncode, done.stderr) == (0, "")
    told = dict(line.split(maxsplit=1) for line in done.stdout.partition("\n\n")[0].splitlines())
    assert (told["thread"], told["user"], told["status"]) == ("t", "ann", "finished")
    assert (told["turns"], told["messages"]) == ("1", "7")
    assert (
        told["where"]
        == {
            "hot": "Redis",
            "cold": "the archive",
            "both": "Redis and the archive",
        }[where]
    )
    assert ("expires" in told) == (where != "cold")
    assert ("archived" in told) == (where != "hot")
    shown = flat(done.stdout)
    assert "user turn 1, " in shown
    assert "what is 2 + 3?" in shown
    assert "calls add(a=2, b=3) calls multiply(a=4, b=5)" in shown
    assert "tool multiply turn 1, " in shown
    assert redis_client.exists(thread_keys(application.settings.prefix, "t").head) == (
        where != "cold"
    )
    last = flat(cli("show", "t", "--messages", 2).stdout)
    assert "5 earlier messages not shown tool add turn 1" in last
    assert "what is 2 + 3?" not in last
    assert "7 earlier messages not shown" in cli("show", "t", "-n", 0).stdout


@pytest.mark.parametrize("where", ["hot", "cold", "both"])
def test_json_has_the_details_and_the_state(application, redis_client, cli, where):
    chat_graph(application).invoke(says(HOSTILE, id="1"), thread("t"))
    place(application, redis_client, where)
    done = cli("show", "t", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    found = json.loads(done.stdout)
    assert (found["thread"]["thread_id"], found["thread"]["where"]) == ("t", where)
    assert found["thread"]["started_at"].endswith("+00:00")
    assert found["state"] == application.state_document("t")
    assert found["state"]["messages"][0]["content"] == HOSTILE


def test_what_the_graph_removed_is_marked(application, cli):
    one, two = HumanMessage("one", id="1"), AIMessage("two", id="2")
    first = put(application, 1, {"messages": [one, two]}, thread_id="t")
    application.archive_thread("t")
    blocks = [{"type": "text", "text": "look"}, {"type": "image", "data": b"x"}]
    put(application, 2, {"messages": [two, HumanMessage(blocks)]}, parent=first, thread_id="t")
    shown = cli("show", "t").stdout
    heading, text = shown.split("\n\n")[1].splitlines()
    assert heading.startswith("user  turn 1, ")
    assert ", removed 20" in heading
    assert text == "  one"
    assert shown.count("removed") == 1
    assert flat(shown).count("[image]") == 1


def test_a_hostile_thread_does_nothing_to_a_terminal(application, servers):
    name = "\x1b[2Jt\n[red]"
    chat_graph(application).invoke(says(HOSTILE), thread(name, user_id="\x1b[2Jeve"))
    put(application, 9, {"\x1b[2Jfield": "\x7f\x9b2J"}, thread_id="state")
    shown = at_terminal("show", name, **servers)
    assert shown.returncode == 0
    assert shown.text.replace("\n", "").isprintable()
    assert "\x1b[31m" not in shown.written
    assert r"\x1b[2Jt\n[red]" in shown.text
    assert "cleared0;title" in shown.text
    assert "[red]not red[/] :smile:" in shown.text
    assert max(map(cell_len, shown.text.splitlines())) <= 80
    state = at_terminal("show", "state", "--state", **servers)
    assert state.text.replace("\n", "").isprintable()
    assert r"\x1b[2Jfield" in state.text


def test_the_states_other_fields_are_shown_when_asked_for(application, cli):
    values = {"plan": {"steps": ["a", "ä"]}, "count": 3, "messages": "none"}
    put(application, 1, values, thread_id="t")
    named = cli("show", "t")
    assert "--state shows the state's other fields: plan, count, messages" in named.stdout
    assert named.stderr == "It has no messages.\n"
    shown = flat(cli("show", "t", "--state").stdout)
    assert 'plan { "steps": [ "a", "ä" ] } count 3 messages "none"' in shown
    chat_graph(application).invoke(says("one"), thread("plain"))
    assert "turns\n  1\n" in cli("show", "plain", "--state").stdout


def test_of_a_thread_that_is_set_aside_the_reason_and_what_can_be_read(application, cli):
    odd = [HumanMessage("good"), {"role": "robot", "content": "bad"}, 5]
    put(application, 1, {"messages": odd}, thread_id="t")
    shown = cli("show", "t")
    assert shown.returncode == 0
    assert "good" in shown.stdout
    assert "bad" in shown.stdout


def test_a_transcript_that_was_kept(redis_url, archive_dsn, cli):
    with DualStoreSaver.from_conn_string(
        redis_url, archive_dsn, run_archiver=False, delete_scope="hot"
    ) as saver:
        chat_graph(saver).invoke(says("kept"), thread("t"))
        saver.archive_thread("t")
        saver.delete_thread("t")
    shown = cli("show", "t")
    assert shown.stdout.startswith("t: deleted 20")
    assert "  kept\n" in shown.stdout
    found = json.loads(cli("show", "t", "--json").stdout)
    assert found["thread"]["deleted_at"]
    assert found["state"] is None


def test_an_archive_without_a_transcript(redis_url, redis_client, cli, monkeypatch):
    archive = MemoryArchive()
    with DualStoreSaver.from_conn_string(redis_url, archive=archive, run_archiver=False) as saver:
        chat_graph(saver).invoke(says("of the state"), thread("t"))
        saver.archive_thread("t")
        redis_client.flushdb()
        monkeypatch.setattr("memory_archive.saver", saver, raising=False)
        shown = cli("show", "t", "--saver", "memory_archive:saver")
    assert shown.returncode == 0, shown.stderr
    assert "  of the state\n" in shown.stdout


def test_a_thread_that_is_nowhere(cli, hot_cli):
    gone = cli("show", "\x1b[2Jgone")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr == ("Error: there is no thread '\\x1b[2Jgone' in Redis or in the archive\n")
    assert "there is no archive" in hot_cli("show", "gone", "--json").stderr


def test_what_cannot_be_is_refused(cli):
    assert cli("show").returncode == 2
    assert cli("show", "a", "b").returncode == 2
    assert cli("show", "a", "--messages", "-1").returncode == 2
    assert "--json prints all of them" in cli("show", "a", "--json", "-n", 1).stderr


def test_a_record_that_cannot_be_read(application, redis_client, cli):
    chat_graph(application).invoke(says("one"), thread("t"))
    key = thread_keys(application.settings.prefix, "t").log
    redis_client.set(key, b"cut")
    done = cli("show", "t")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
