"""`examples/docker-compose.yml` in containers: what its services do together, and survive."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import httpx
import pytest
from chat_service import ask, said
from compose_project import ComposeProject
from eventually import eventually
from servers.process import free_port

from langgraph_dualstore.embedded import HOST

# Each start takes the interval of a health check at least, and the first one builds the image.
pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

SECRET = "a $password/with@characters?"
# On a machine that reaches no registry; elsewhere, those that the file names.
IMAGES = {
    f"{name}_IMAGE": os.environ.get(f"DUALSTORE_TEST_{name}_IMAGE", "")
    for name in ("REDIS", "POSTGRES", "PYTHON")
}
ON = {"redis", "postgres", "worker", "app"}


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def project(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeProject]:
    project = ComposeProject(
        tmp_path_factory.mktemp("compose"),
        REDIS_PASSWORD=SECRET,
        POSTGRES_PASSWORD=SECRET,
        CHAT_PORT=str(port),
        **IMAGES,
    )
    try:
        project.up("--build")
        yield project
    finally:
        project.remove()


@pytest.fixture
def chat(project: ComposeProject, port: int) -> Iterator[httpx.Client]:
    """A client of the service, whose port is open on this machine only."""
    with httpx.Client(base_url=f"http://{HOST}:{port}", timeout=60, trust_env=False) as client:
        yield client


def health(chat):
    response = chat.get("/health")
    return response.status_code, response.json()["status"]


def archived(project, thread_id, messages):
    """Whether the worker has archived so many messages of a thread, which is in Redis, too."""
    listed = project.execute("worker", "langgraph-dualstore", "threads", "--json")
    rows = [json.loads(line) for line in listed.splitlines()]
    found = [(row["thread_id"], row["where"], row["message_count"]) for row in rows]
    return (thread_id, "both", messages) in found


def test_everything_is_healthy_when_up_returns(project, chat):
    containers = project.containers()
    assert set(containers) == ON | {"setup"}
    assert {containers[name].health for name in ON} == {"healthy"}
    assert (containers["setup"].state, containers["setup"].exit_code) == ("exited", 0)
    assert health(chat) == (200, "ok")
    assert "Nothing is wrong." in project.execute("worker", "langgraph-dualstore", "status")


def test_prometheus_finds_the_worker_in_the_services_network(project):
    read = "from urllib.request import urlopen; print(urlopen('http://worker:9100/metrics').read())"
    assert "langgraph_dualstore_hot_up 1.0" in project.execute("app", "python", "-c", read)


@pytest.mark.parametrize("options", [[], ["--build"]])
def test_another_up_replaces_nothing(project, options):
    before = project.containers()
    project.up(*options)
    assert project.containers() == before


def test_a_conversation_outlives_its_redis(project, chat):
    assert ask(chat, "t", "tea") == 'You say "tea". Before that you said nothing.'
    eventually(lambda: archived(project, "t", 2), timeout=60)

    project.lose("redis")
    assert health(chat) == (503, "unavailable")
    project.up()
    assert health(chat) == (200, "ok")
    assert ask(chat, "t", "milk") == 'You say "milk". Before that you said "tea".'
    eventually(lambda: archived(project, "t", 4), timeout=60)


def test_a_conversation_goes_on_while_its_archive_is_away(project, chat):
    ask(chat, "u", "tea")
    project.compose("stop", "postgres")
    assert health(chat) == (200, "degraded")
    assert ask(chat, "u", "milk") == 'You say "milk". Before that you said "tea".'
    project.compose("start", "postgres")
    eventually(lambda: archived(project, "u", 4), timeout=60)


# The last one: it takes away what the others need.
def test_down_keeps_what_is_stored_unless_that_is_to_go_too(project, chat):
    ask(chat, "v", "tea")
    before = said(chat, "v")
    project.compose("stop")
    assert {name: each.exit_code for name, each in project.containers().items()} == dict.fromkeys(
        ON | {"setup"}, 0
    )
    project.compose("down")
    project.up()
    assert said(chat, "v") == before

    project.remove()
    assert project.left() == []
