"""The endpoints of `examples/fastapi_chat`, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex

import httpx
import pytest
from chat_service import EXAMPLES
from cold_archives import query
from eventually import aeventually
from fastapi_chat.app import create_app
from fastapi_chat.models import MemoryModel, chosen_model
from langchain_core.messages import AIMessage, HumanMessage

ANN, BOB = {"X-User-Id": "ann"}, {"X-User-Id": "bob"}
SECRET = "s3crtword"


@pytest.fixture
def open_service(redis_url, postgres_dsn, monkeypatch):
    """Opens the service in this process, on the servers that variables name."""

    @contextlib.asynccontextmanager
    async def open_service(model=None, **environment):
        for name, value in {
            "REDIS_URL": redis_url,
            "DATABASE_URL": postgres_dsn,
            "RUN_ARCHIVER": "0",
            **environment,
        }.items():
            monkeypatch.setenv(name, value)
        app = create_app(model or MemoryModel(delay=0))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://chat") as client,
        ):
            client.app = app
            yield client

    return open_service


@pytest.fixture
async def client(open_service):
    async with open_service() as client:
        yield client


async def ask(client, thread_id, text="hello", headers=ANN):
    path = f"/threads/{thread_id}/messages"
    return await client.post(path, json={"content": text}, headers=headers)


async def test_a_conversation_is_shown_and_deleted(client, postgres_dsn):
    for text in ("tea", "milk"):
        answer = await ask(client, "t", text)
        assert answer.headers["content-type"].startswith("text/event-stream")
    document = (await client.get("/threads/t", headers=ANN)).json()
    texts = [message["content"] for message in document["messages"]]
    assert texts[2:] == ["milk", 'You say "milk". Before that you said "tea".']
    assert document["current_turn"] == 2

    await client.app.state.saver.aarchive_thread("t")
    for _ in range(2):
        deleted = await client.delete("/threads/t", headers=ANN)
        assert (deleted.status_code, deleted.content) == (204, b"")
        assert (await client.get("/threads/t", headers=ANN)).status_code == 404
    assert query(postgres_dsn, "SELECT count(*) FROM prompt_messages") == [(0,)]


def requested(command):
    """The method, the path, the headers and the body that a command of curl's sends."""
    method, headers, body, path = "GET", {}, None, None
    words = iter(shlex.split(command)[1:])
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-X":
            method = next(words)
        elif word == "--json":
            method, body = "POST", json.loads(next(words))
        elif word != "-N":
            path = word.removeprefix("localhost:8000")
    return method, path, headers, body


async def test_what_the_readme_tries_works(client):
    text = (EXAMPLES / "fastapi_chat" / "README.md").read_text(encoding="utf-8")
    commands = [line for line in text.splitlines() if line.startswith("curl ")]
    assert len(commands) == 7
    answers = []
    for method, path, headers, body in map(requested, commands):
        answer = await client.request(method, path, headers=headers, json=body)
        assert answer.is_success, answer.text
        answers.append(answer.text)
    _, second, document, listed, *_ = answers
    assert second.endswith('event: done\ndata: "t1"\n\n')
    assert "I like tea." in document
    assert [one["thread_id"] for one in json.loads(listed)["threads"]] == ["t1"]
    assert (await client.get("/threads/t1", headers=ANN)).status_code == 404


async def test_a_thread_is_its_users_alone(client):
    await ask(client, "t", headers=ANN)
    before = (await client.get("/threads/t", headers=ANN)).json()
    assert (await ask(client, "t", headers=BOB)).status_code == 404
    assert (await client.get("/threads/t", headers=BOB)).status_code == 404
    assert (await client.delete("/threads/t", headers=BOB)).status_code == 404
    assert (await client.get("/threads?user_id=ann", headers=BOB)).status_code == 403
    assert (await client.get("/threads/t", headers=ANN)).json() == before


async def test_threads_are_listed_page_by_page_from_both_tiers(client, redis_client):
    for name in "abcde":
        await ask(client, name)
    await ask(client, "other", headers=BOB)
    for name in "ab":
        await client.app.state.saver.aarchive_thread(name)
        redis_client.unlink(*redis_client.keys(f"*{{{name}}}*"))

    found, after = {}, {}
    while True:
        asked = {"user_id": "ann", "limit": 2, **after}
        page = (await client.get("/threads", params=asked, headers=ANN)).json()
        assert len(page["threads"]) <= 2
        found |= {info["thread_id"]: info for info in page["threads"]}
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert {name: info["where"] for name, info in found.items()} == {
        **dict.fromkeys("ab", "cold"),
        **dict.fromkeys("cde", "hot"),
    }
    assert {(info["user_id"], info["message_count"]) for info in found.values()} == {("ann", 2)}


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("POST", f"/threads/{'x' * 65}/messages", {"json": {"content": "hello"}}),
        ("POST", "/threads/a b/messages", {"json": {"content": "hello"}}),
        ("POST", "/threads/t/messages", {"json": {"content": ""}}),
        ("POST", "/threads/t/messages", {"json": {"content": "hello"}, "headers": {}}),
        ("GET", "/threads/{}", {}),
        ("DELETE", "/threads/ü", {}),
        ("GET", "/threads?user_id=ann&after=nonsense", {}),
        ("GET", "/threads?user_id=ann&limit=0", {}),
        ("GET", "/threads", {}),
    ],
)
async def test_what_is_not_valid_is_refused(client, method, path, options):
    response = await client.request(method, path, **{"headers": ANN, **options})
    assert response.status_code == 422, response.text


async def test_it_asks_clients_to_come_back_while_redis_is_away(open_service, own_server):
    async with open_service(REDIS_URL=own_server.url) as client:
        assert (await ask(client, "t")).status_code == 200
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert "langgraph_dualstore_hot_up 1.0" in (await client.get("/metrics")).text
        own_server.kill()
        away = await ask(client, "t")
        assert away.status_code == 503
        assert int(away.headers["retry-after"]) > 0
        health = await client.get("/health")
        assert (health.status_code, health.json()) == (503, {"status": "unavailable"})
        assert "langgraph_dualstore_hot_up 0.0" in (await client.get("/metrics")).text
        own_server.start()
        assert (await ask(client, "t")).status_code == 200


async def test_conversations_in_redis_go_on_while_postgres_is_away(open_service, own_postgres):
    address = {"DATABASE_URL": own_postgres.url}
    async with open_service(**address) as client:
        await ask(client, "old")
    own_postgres.kill()
    async with open_service(**address) as client:
        assert (await ask(client, "old")).status_code == 200
        away = await ask(client, "new")  # it may be in the archive
        assert away.status_code == 503
        assert "retry-after" in away.headers
        health = await client.get("/health")
        assert (health.status_code, health.json()) == (200, {"status": "degraded"})


async def test_metrics_are_those_of_the_saver(client):
    await ask(client, "t")
    told = (await client.get("/metrics")).text.splitlines()
    assert "langgraph_dualstore_puts_total 3.0" in told
    assert 'langgraph_dualstore_threads{state="queued"} 1.0' in told


class Failing(MemoryModel):
    async def _astream(self, messages, *_, **__):
        async for chunk in super()._astream(messages):
            yield chunk
            if messages[-1].text == "fail":
                raise RuntimeError(SECRET)


async def test_a_model_that_fails_is_told_in_the_stream(open_service, caplog):
    async with open_service(Failing(delay=0)) as client:
        failed = await ask(client, "t", "fail")
        assert failed.text.startswith('event: token\ndata: "You "\n\nevent: error\n')
        assert "event: done" not in failed.text
        assert SECRET not in failed.text
        assert SECRET in caplog.text
        assert "event: done" in (await ask(client, "t", "again")).text


class Endless(MemoryModel):
    running: int = 0

    async def _astream(self, messages, *_, **__):
        self.running += 1
        try:
            async for chunk in super()._astream(messages):
                yield chunk
            if messages[-1].text == "tell me all":
                await asyncio.Event().wait()
        finally:
            self.running -= 1


async def test_a_client_that_goes_away_stops_the_run(open_service):
    model = Endless(delay=0)
    async with open_service(model) as client:
        await disconnecting_after_the_first_token(client.app, "/threads/t/messages", "tell me all")
        await aeventually(lambda: model.running == 0)
        await ask(client, "t", "on")
        document = (await client.get("/threads/t", headers=ANN)).json()
        assert [message["content"] for message in document["messages"]] == [
            "tell me all",
            "on",
            'You say "on". Before that you said "tell me all".',
        ]


async def disconnecting_after_the_first_token(app, path, text):
    """A request as uvicorn hands it over; httpx's transport knows of no disconnecting."""
    body = json.dumps({"content": text}).encode()
    given = iter([{"type": "http.request", "body": body}])
    token = asyncio.Event()

    async def receive():
        if request := next(given, None):
            return request
        await token.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if b"token" in message.get("body", b""):
            token.set()

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"x-user-id", b"ann")],
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }
    await app(scope, receive, send)


def test_the_environment_names_the_model(monkeypatch):
    monkeypatch.delenv("CHAT_MODEL", raising=False)
    model = chosen_model()
    assert model.invoke([HumanMessage("a"), AIMessage("b"), HumanMessage("c")]).text == (
        'You say "c". Before that you said "a".'
    )
    monkeypatch.setenv("CHAT_MODEL", "somebody:model")
    with pytest.raises((ImportError, ValueError)):
        chosen_model()
