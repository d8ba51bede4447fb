"""`examples/docker-compose.yml` and its Dockerfile, as far as they can be run without Docker.

Docker Compose starts them in `test_example_compose_containers.py`.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import redis
import typer
import uvicorn
import yaml
from cold_archives import query
from command_line import run, start
from eventually import eventually
from fastapi_chat.app import create_app
from fastapi_chat.models import MemoryModel
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from servers.process import free_port

from langgraph_dualstore.cli import app as command_line
from langgraph_dualstore.construction import servers_of
from langgraph_dualstore.embedded import HOST, stop_with_parent
from langgraph_dualstore.environment import URLS

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "examples" / "docker-compose.yml"
SECRET = "a password/with@characters?"
SESSIONS = "SELECT thread_id, user_id FROM prompt_sessions"
SECRETS = {"REDIS_PASSWORD": SECRET, "POSTGRES_PASSWORD": SECRET}
# `${NAME:?message}`, which must be set, and `${NAME:-default}`.
VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")


def interpolated(value):
    """What Compose makes of a value, with nothing set but the passwords."""
    if isinstance(value, dict):
        return {key: interpolated(each) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolated(each) for each in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: SECRETS.get(found[1]) or found[3], value)
    return value


@pytest.fixture(scope="module")
def services():
    return interpolated(yaml.safe_load(COMPOSE.read_text()))["services"]


def arguments(service):
    program, *given = shlex.split(service["command"])
    assert program == "langgraph-dualstore"
    return given


def test_each_service_waits_for_what_it_needs(services):
    assert set(services) == {"redis", "postgres", "setup", "worker", "app"}
    for name, service in services.items():
        for other, wait in service.get("depends_on", {}).items():
            healthy = wait["condition"] == "service_healthy"
            assert healthy or wait["condition"] == "service_completed_successfully"
            assert healthy == ("healthcheck" in services[other])
        runs_on = name != "setup"
        assert ("restart" in service) == ("healthcheck" in service) == runs_on
    assert set(services["worker"]["depends_on"]) == {"redis", "setup"}
    assert set(services["app"]["depends_on"]) == {"redis", "setup"}


def test_one_service_builds_the_image_that_three_run(services):
    ours = {name for name, service in services.items() if service["image"] == "dualstore-chat"}
    assert ours == {"setup", "worker", "app"}
    assert {services[name]["pull_policy"] for name in ours} == {"never"}
    assert [name for name, service in services.items() if "build" in service] == ["setup"]
    build = services["setup"]["build"]
    assert (COMPOSE.parent / build["context"]).resolve() == ROOT
    dockerfile = (ROOT / build["dockerfile"]).read_text()
    for name, value in build["args"].items():
        assert f"ARG {name}={value}\n" in dockerfile


def test_it_has_no_passwords_but_asks_for_them():
    text = COMPOSE.read_text()
    asked = {found[1] for found in VARIABLE.finditer(text) if found[2] == "?"}
    example = (COMPOSE.parent / ".env.example").read_text()
    assert asked == set(SECRETS)
    assert {found[1] for found in VARIABLE.finditer(text)} == set(
        re.findall(r"^(\w+)=$", example, re.MULTILINE)
    )
    assert not re.search(r"(PASSWORD|AUTH): *\S", VARIABLE.sub("", text))
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", ["setup", "worker", "app"])
def test_the_environment_is_understood(services, name):
    environment = services[name]["environment"]
    hot, cold = servers_of(environment, archived=True)
    assert hot == "redis://:a%20password%2Fwith%40characters%3F@redis:6379/0"
    assert conninfo_to_dict(cold) == {"host": "postgres", "user": "chat", "dbname": "chat"}
    assert environment["PGPASSWORD"] == services["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert environment["CHECKPOINT_TTL_SECONDS"] == "86400"


@pytest.mark.parametrize("name", ["setup", "worker"])
def test_the_command_line_takes_its_commands(services, name, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", services[name]["environment"]["DATABASE_URL"])
    command, *options = arguments(services[name])
    known = typer.main.get_command(command_line).commands[command]
    known.make_context(command, options)
    with pytest.raises(Exception, match="No such option"):
        known.make_context(command, [*options, "--unheard-of"])


def test_the_dockerfile_copies_what_there_is_and_starts_uvicorn():
    dockerfile = ROOT / "examples" / "fastapi_chat" / "Dockerfile"
    text = dockerfile.read_text().replace("\\\n", "")
    sent = dockerfile.with_name("Dockerfile.dockerignore").read_text()
    for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        for source in line.split():
            # The tests may run beside the installed package, without its source.
            assert source == "langgraph_dualstore" or (ROOT / source).exists()
            assert any(source.startswith(kept) for kept in re.findall("!(.*)", sent))
    program, *given = json.loads(re.search(r"^CMD (.*)", text, re.MULTILINE)[1])
    assert program == "uvicorn"
    taken = uvicorn.main.make_context(program, given).params
    assert (taken["app"], taken["host"], taken["port"]) == ("fastapi_chat.app:app", "0.0.0.0", 8000)


@pytest.fixture
def redis_port(services, redis_binary, tmp_path):
    """The port of a Redis that was started with the command's options."""
    program, *options = services["redis"]["command"]
    assert program == "redis-server"
    port = free_port()
    here = ("--bind", HOST, "--port", str(port), "--dir", tmp_path)
    with subprocess.Popen([redis_binary, *options, *here], stdout=subprocess.DEVNULL) as process:
        watcher = stop_with_parent(process.pid, "KILL")
        yield port
        process.kill()
        watcher.communicate(b"stopped\n")


@pytest.fixture
def here(services, redis_port, postgres_dsn):
    """Returns the environment of a service, with this machine's servers for its own."""
    address = conninfo_to_dict(postgres_dsn)
    addresses = {
        "REDIS_HOST": HOST,
        "REDIS_PORT": str(redis_port),
        "PGPASSWORD": address.pop("password"),
        "DATABASE_URL": make_conninfo(**address),
    }
    return lambda name: services[name]["environment"] | addresses


async def test_the_services_work_together(services, here, redis_port, postgres_dsn, monkeypatch):
    with redis.Redis(host=HOST, port=redis_port, password=SECRET) as client:
        eventually(lambda: answers(client))
        assert client.config_get("appendonly")["appendonly"] == "yes"
        assert client.config_get("maxmemory")["maxmemory"] == str(256 * 2**20)
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"

    done = run(*arguments(services["setup"]), **here("setup"))
    assert done.returncode == 0, done.stderr

    for name in URLS:
        monkeypatch.delenv(name, raising=False)
    for name, value in here("app").items():
        monkeypatch.setenv(name, value)
    app = create_app(MemoryModel(delay=0))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://chat") as client,
    ):
        said = {"json": {"content": "hello"}, "headers": {"X-User-Id": "ann"}}
        assert "event: done" in (await client.post("/threads/t/messages", **said)).text
    assert query(postgres_dsn, SESSIONS) == []  # the application leaves it to the worker

    # Not on the port and the addresses that a container has for itself.
    options = ["0" if each == "9100" else each for each in arguments(services["worker"])]
    options = [HOST if each == "0.0.0.0" else each for each in options]
    with start(*options, **here("worker")) as worker:
        try:
            eventually(lambda: query(postgres_dsn, SESSIONS) == [("t", "ann")])
            told = [worker.stdout.readline() for _ in range(2)]
            port = re.fullmatch(r"Metrics at .*:(\d+)/metrics\n", told[1])[1]
            assert checked(services["worker"], "9100", port) == 0
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
        finally:
            worker.kill()
    assert checked(services["worker"], "9100", port) == 1


def answers(client):
    with contextlib.suppress(redis.ConnectionError):
        return client.ping()


def checked(service, port, here):
    """What the health check of a service ends with."""
    kind, program, *options = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    command = [sys.executable, *(option.replace(port, here) for option in options)]
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode
