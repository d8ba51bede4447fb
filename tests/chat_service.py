"""The service of `examples/fastapi_chat`, run as its README says, and what talks to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from eventually import eventually

from langgraph_dualstore.embedded import HOST, stop_with_parent

EXAMPLES = Path(__file__).parents[1] / "examples"
PROCESSES = 2
_MOST_TRIES = 300  # the kernel chooses the process that gets a connection


class ChatService:
    """uvicorn with two processes, in a process group of its own."""

    def __init__(self, port: int, log: Path, **environment: str) -> None:
        self.log = log
        self._url = f"http://{HOST}:{port}"
        self._command = [
            *(sys.executable, "-m", "uvicorn", "fastapi_chat.app:app", "--app-dir", EXAMPLES),
            *("--host", HOST, "--port", str(port), "--workers", str(PROCESSES)),
            *("--timeout-keep-alive", "75"),
        ]
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._watcher = stop_with_parent(self._process.pid, "TERM")
        with self._client() as client:
            eventually(lambda: self._answers(client), timeout=60)

    def stop(self) -> int:
        """Let it finish, as a deployment does; returns what it ended with."""
        return self._end(os.kill, signal.SIGTERM)

    def kill(self) -> None:
        """End all of its processes at once, as a power cut would."""
        self._end(os.killpg, signal.SIGKILL)

    @contextlib.contextmanager
    def clients(self) -> Iterator[list[httpx.Client]]:
        """A client for each process: a connection that is kept stays with its process."""
        with contextlib.ExitStack() as stack:
            found: dict[str, httpx.Client] = {}
            for _ in range(_MOST_TRIES):
                client = stack.enter_context(self._client())
                found.setdefault(client.get("/health").headers["x-process"], client)
                if len(found) == PROCESSES:
                    break
            else:
                raise AssertionError(f"only {set(found)} answered\n{self.log.read_text()}")
            yield list(found.values())

    def _client(self) -> httpx.Client:
        # No TLS: to read the machine's certificates for each client would take a while.
        return httpx.Client(base_url=self._url, timeout=30, trust_env=False, verify=False)

    def _answers(self, client: httpx.Client) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return client.get("/health").is_success
        return False

    def _end(self, send: Any, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        send(process.pid, number)
        code = process.wait(60)
        self._watcher.communicate(b"stopped\n")
        return code


def asking(client: httpx.Client, thread_id: str, text: str, user: str = "ann") -> Any:
    """A request whose answer is streamed, for `with`."""
    path = f"/threads/{thread_id}/messages"
    return client.stream("POST", path, json={"content": text}, headers={"X-User-Id": user})


def events(response: httpx.Response) -> Iterator[tuple[str, str]]:
    """The events of a stream as they arrive: what each is called, and its data."""
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def ask(client: httpx.Client, thread_id: str, text: str, user: str = "ann") -> str:
    """A whole turn: the answer, which the service has said to be stored."""
    with asking(client, thread_id, text, user) as response:
        assert response.status_code == 200, response.read()
        *tokens, last = events(response)
    assert {name for name, _ in tokens} == {"token"}
    assert last == ("done", thread_id)
    return "".join(data for _, data in tokens)


def said(client: httpx.Client, thread_id: str, user: str = "ann") -> list[str]:
    """The texts of a conversation as the service shows it."""
    response = client.get(f"/threads/{thread_id}", headers={"X-User-Id": user})
    assert response.status_code == 200, response.text
    return [message["content"] for message in response.json()["messages"]]
