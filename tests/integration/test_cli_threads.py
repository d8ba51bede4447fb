"""The command `threads`: pages that are as long as asked for, for people and for scripts."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from command_line import at_terminal, run
from graph_runner import thread
from graphs import chat_graph, says
from memory_archive import MemoryArchive
from raw_checkpoints import put
from rich.cells import cell_len

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.infos import ThreadPage
from langgraph_dualstore.paging import page_of, pages_of

HOSTILE = "\x1b[2J\x1b[31mcleared\nnext [red] 中文"
UUID = "3f2b8c1e-9d4a-4f6b-8e0c-a7b6c5d4e3f{}"


def talk(saver, thread_id, **configurable):
    chat_graph(saver).invoke(says("hello"), thread(thread_id, **configurable))


@pytest.fixture
def three(application, redis_client):
    """Threads of ann: one in Redis, one archived, one both; and two of others."""
    for name in ("cold", "both", "hot"):
        talk(application, name, user_id="ann")
    talk(application, "bobs", user_id="bob")
    talk(application, HOSTILE, user_id="\x1b[2Jeve")
    for name in ("cold", "both"):
        application.archive_thread(name)
    redis_client.delete(*redis_client.keys("*{cold}*"))


def objects(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def ids(done):
    return [found["thread_id"] for found in objects(done)]


def test_json_has_a_line_for_each_thread(three, servers):
    before = datetime.now(UTC) - timedelta(minutes=2)
    done = run("threads", "--user", "ann", "--json", **servers)
    assert done.stderr == ""
    found = {one["thread_id"]: one for one in objects(done)}
    assert {name: one["where"] for name, one in found.items()} == {
        "cold": "cold",
        "both": "both",
        "hot": "hot",
    }
    for one in found.values():
        assert (one["user_id"], one["status"], one["message_count"]) == ("ann", "finished", 2)
        at = datetime.fromisoformat(one["last_activity_at"])
        assert before < at < datetime.now(UTC)
    assert found["cold"]["ttl"] is None
    assert 86000 < found["hot"]["ttl"] <= 86400


def test_a_terminal_is_shown_a_table_that_fits(application, servers):
    for n in range(2):
        talk(application, UUID.format(n) + "-and-so-on", user_id="someone@long.name.example.org")
    talk(application, HOSTILE)
    put(application, 1, {"a": 1}, thread_id="中" * 50)
    shown = at_terminal("threads", **servers)
    assert shown.returncode == 0
    heading, *rows, hint = shown.text.splitlines()
    columns = ["thread", "user", "status", "where", "messages", "active", "ttl"]
    assert heading.split() == columns
    assert max(map(cell_len, [heading, *rows])) <= 80
    assert len(rows) == 4
    assert "\x1b" not in shown.text
    assert "\x1b[31m" not in shown.written
    assert sum(row.startswith("3f2b8c") and "…" in row[:24] for row in rows) == 2
    assert sum(row.startswith(r"\x1b[2J") for row in rows) == 1
    assert hint == "Names are shortened; in a pipe, and with --json, they are whole."


def test_a_pipe_gets_whole_names_each_thread_on_a_line(three, application, cli):
    talk(application, UUID.format(1) * 5)
    done = cli("threads", COLUMNS="80")
    _, *rows = done.stdout.splitlines()
    assert len(rows) == 6
    assert any(row.startswith(UUID.format(1) * 5 + "  -  ") for row in rows)
    (hostile,) = [row for row in rows if row.startswith("\\")]
    assert hostile.startswith(r"\x1b[2J\x1b[31mcleared\nnext [red] 中文  ")
    assert r"\x1b[2Jeve" in hostile
    assert "\x1b" not in done.stdout
    (cold,) = [row.split() for row in rows if row.startswith("cold")]
    assert cold[1:5] == ["ann", "finished", "cold", "2"]
    assert cold[-2:] == ["ago", "-"]


def test_short_names_fit_eighty_columns_in_a_pipe(application, servers):
    talk(application, "short", user_id="ann")
    done = run("threads", COLUMNS="80", **servers)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_terminal_that_only_knows_ascii_gets_question_marks(three, servers):
    done = run("threads", PYTHONIOENCODING="ascii", **servers)
    assert done.returncode == 0, done.stderr
    assert "next [red] ??" in done.stdout


def test_pages_follow_each_other_until_nothing_is_left(three, cli):
    found, after = [], ()
    for count in (2, 2, 1):
        done = cli("threads", "--limit", 2, "--json", *after)
        assert len(ids(done)) == count
        found += ids(done)
        _, _, cursor = done.stderr.partition("There may be more: --after ")
        after = ("--after", cursor.strip())
    assert cursor == ""
    assert sorted(found) == sorted(["cold", "both", "hot", "bobs", HOSTILE])


def test_a_page_is_sorted_by_activity(application, cli):
    names = [str(n) for n in range(6)]
    for name in names:
        talk(application, name)
    assert ids(cli("threads", "--json")) == names[::-1]
    assert ids(cli("threads", "--json", "--all")) != []


def test_all_pages_are_one_table(application, redis_client, cli):
    for n in range(70):
        put(application, 1, {"a": n}, thread_id=str(n))
        if n < 10:
            application.archive_thread(str(n))
            redis_client.delete(*redis_client.keys(f"*{{{n}}}*"))
    done = cli("threads", "--all")
    _, *rows = done.stdout.splitlines()
    assert sorted(int(row.split()[0]) for row in rows) == list(range(70))
    assert sorted(map(int, ids(cli("threads", "--all", "--json")))) == list(range(70))
    assert len(ids(cli("threads", "--json"))) == 50


def test_filters(three, application, cli):
    assert ids(cli("threads", "--user", "bob", "--json")) == ["bobs"]
    assert len(ids(cli("threads", "--status", "finished", "--json"))) == 5
    assert ids(cli("threads", "--status", "idle", "--json")) == []
    assert len(ids(cli("threads", "--since", "1h", "--json"))) == 5
    assert ids(cli("threads", "--since", "0s", "--json")) == []
    middle = application.thread("hot").last_activity_at.isoformat()
    assert sorted(ids(cli("threads", "--since", middle, "--json"))) == sorted(
        ["hot", "bobs", HOSTILE]
    )


def test_no_threads_are_told_in_a_sentence(cli, hot_cli):
    for done in (cli("threads"), cli("threads", "--json"), hot_cli("threads", "--all")):
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == "There are no such threads.\n"


def test_without_an_archive_those_in_redis_are_listed(three, hot_cli):
    assert sorted(ids(hot_cli("threads", "--json"))) == sorted(["both", "hot", "bobs", HOSTILE])


def test_an_archive_that_cannot_be_searched_is_told_of(redis_url, cli, monkeypatch, tmp_path):
    with DualStoreSaver.from_conn_string(
        redis_url, archive=MemoryArchive(), run_archiver=False
    ) as saver:
        talk(saver, "t")
        (tmp_path / "of_mine.py").write_text("saver = None\n")
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        import of_mine  # noqa: PLC0415 - written just now

        of_mine.saver = saver
        done = cli("threads", "--json", "--saver", "of_mine:saver")
    assert ids(done) == ["t"]
    assert "threads that have left Redis are not found" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--since", "soon"], "'soon' is no time"),
        (["--since", "5"], "5d are days"),
        (["--status", "done"], "--status"),
        (["--limit", "0"], "--limit"),
        (["--limit", "5", "--all"], "--all has no limit"),
        (["--after", "nonsense"], "after"),
        (["more"], "more"),
    ],
)
def test_what_cannot_be_is_refused(cli, arguments, told):
    done = cli("threads", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_away_is_told_in_a_sentence(cli):
    done = cli("threads", REDIS_URL="redis://:s3crtword@127.0.0.1:1/0")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "s3crtword" not in done.stderr


def _asked(pages):
    """A `list_threads` that returns these pages, however many threads are asked for."""
    limits = []

    def ask(*, limit, after):
        limits.append(limit)
        at = 0 if after is None else int(after)
        following = str(at + 1) if at + 1 < len(pages) else None
        return ThreadPage(pages[at], following)

    return ask, limits


def test_short_and_empty_pages_are_gone_through():
    ask, limits = _asked([[], ["a"], [], ["b", "c"], [], []])
    assert page_of(ask, 3) == (["a", "b", "c"], "4")
    assert limits == [3, 3, 2, 2]
    assert page_of(ask, 9) == (["a", "b", "c"], None)
    assert list(pages_of(ask)) == [["a"], ["b", "c"]]
