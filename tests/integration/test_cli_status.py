"""The command `status`, and a worker's metrics, as processes."""

from __future__ import annotations

import json
import signal
import urllib.request

import pytest
from command_line import run, start
from graph_runner import thread
from graphs import chat_graph, says
from prometheus_client.parser import text_string_to_metric_families
from servers.process import free_port

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.hot.keys import thread_keys


@pytest.fixture
def dsn(postgres_dsn):
    with DualStoreSaver.from_conn_string("redis://localhost:1", postgres_dsn) as saver:
        saver.setup()
    return postgres_dsn


@pytest.fixture
def application(redis_url, dsn):
    with DualStoreSaver.from_conn_string(redis_url, dsn, run_archiver=False) as saver:
        yield saver


def talk(saver, thread_id="1"):
    chat_graph(saver).invoke(says("hello"), thread(thread_id))


def status(*arguments, **environment):
    return run("status", *arguments, COLUMNS="80", **environment)


def test_when_all_is_well_it_says_so_and_ends_with_0(application, redis_url, dsn):
    talk(application, "1")
    talk(application, "2")
    application.archive_thread("1")
    done = status("--redis", redis_url, "--postgres", dsn)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines[0] == f"Redis    {redis_url}"
    assert "MB used, noeviction" in lines[1]
    assert lines[2].endswith("2 threads; 1 not archived as they are, 0 pinned")
    assert lines[3].endswith("the first of those that are not archived has 24 h left")
    told = " ".join(done.stdout.split())
    assert "Archive postgresql://127.0.0.1:" in told
    assert "schema public PostgreSQL " in told
    assert ", version 3 of the tables, " in told
    assert " 1 thread, 2 messages " in told
    assert "Queue 2 threads, " in told
    assert " 0 being archived, 0 set aside " in told
    assert lines[-1] == "Nothing is wrong."
    assert max(map(len, lines)) <= 80


def test_what_is_wrong_is_named_and_it_ends_with_1(application, redis_url, redis_client, dsn):
    talk(application, "bad")
    redis_client.append(thread_keys("langgraph:state", "bad").journal, b"no journal")
    application.flush()
    redis_client.expire(thread_keys("langgraph:state", "bad").log, 100)
    done = status("--redis", redis_url, "--postgres", dsn)
    assert done.returncode == 1
    told = " ".join(done.stdout.split())
    assert "2 things need a look:" in told
    assert "- thread 'bad' was set aside: CorruptRecord: " in told
    assert "- keys that would not expire together: those of 'bad'" in told
    document = json.loads(status("--json", REDIS_URL=redis_url, POSTGRES_DSN=dsn).stdout)
    assert document["ok"] is False
    assert len(document["problems"]) == 2
    (letter,) = document["queue"]["dead_letters"]
    assert letter["thread_id"] == "bad"
    assert document["hot"]["threads"] == 1
    assert document["cold"]["messages"] == 0


def test_servers_that_are_away_are_told_without_a_password(redis_url, dsn):
    nowhere = f"127.0.0.1:{free_port()}"
    away = status("--redis", f"redis://me:s3cret@{nowhere}/0", "--postgres", dsn)
    assert away.returncode == 1
    assert "does not answer" in away.stdout
    assert "1 thread" not in away.stdout
    cold = status("--redis", redis_url, "--postgres", f"postgresql://me:s3cret@{nowhere}/x")
    assert cold.returncode == 1
    assert "One thing needs a look:" in cold.stdout
    assert "PostgreSQL cannot be asked" in " ".join(cold.stdout.split())
    for done in (away, cold):
        assert "s3cret" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_without_an_archive_there_is_no_queue(redis_url):
    done = status("--redis", redis_url)
    assert done.returncode == 0
    assert "Archive  none" in done.stdout
    assert "Queue" not in done.stdout


def test_a_worker_serves_its_metrics(application, redis_url, dsn):
    talk(application, "1")
    arguments = ("--redis", redis_url, "--postgres", dsn, "--metrics-port", 0)
    with start("worker", *arguments) as worker:
        try:
            worker.stdout.readline()
            told = worker.stdout.readline()
            assert told.startswith("Metrics at http://127.0.0.1:")
            while True:
                with urllib.request.urlopen(told.removeprefix("Metrics at ").strip()) as page:
                    text = page.read().decode()
                samples = {
                    (sample.name, *sample.labels.values()): sample.value
                    for family in text_string_to_metric_families(text)
                    for sample in family.samples
                }
                if samples["langgraph_dualstore_archived_threads_total",]:
                    break
            assert samples["langgraph_dualstore_archived_messages_total",] == 2
            assert samples["langgraph_dualstore_hot_up",] == 1
            assert samples["langgraph_dualstore_threads", "dead"] == 0
            assert samples["langgraph_dualstore_archive_lag_seconds",] >= 0
            assert samples["langgraph_dualstore_round_trips_total",] > 3
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
        finally:
            worker.kill()


def test_a_port_that_is_taken_is_told_in_a_sentence(application, redis_url, dsn):
    taken = redis_url.rpartition(":")[2].partition("/")[0]
    told = run(
        *("worker", "--redis", redis_url, "--postgres", dsn, "--once", "--metrics-port", taken)
    )
    assert told.returncode == 1
    assert told.stderr.endswith(
        f"Error: cannot serve metrics at 127.0.0.1:{taken}: Address already in use\n"
    )
