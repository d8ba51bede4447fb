"""`examples/fastapi_chat`, run as its README says: two processes, which are killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from chat_service import ChatService, ask, asking, events, said
from cold_archives import query
from eventually import eventually
from servers.process import free_port

SESSIONS = "SELECT thread_id, user_id, status, message_count FROM prompt_sessions"
LONG = "word " * 3000  # the answer repeats it, at 20 ms a word


@pytest.fixture
def service(redis_url, postgres_dsn, tmp_path):
    addresses = {"REDIS_URL": redis_url, "DATABASE_URL": postgres_dsn}
    service = ChatService(free_port(), tmp_path / "service.log", **addresses)
    service.start()
    yield service
    service.kill()


def test_a_conversation_outlives_its_processes_and_its_redis(service, redis_client, postgres_dsn):
    with service.clients() as (one, other):
        assert ask(one, "t", "tea") == 'You say "tea". Before that you said nothing.'
        # What one process has stored, the other goes on from.
        assert ask(other, "t", "milk") == 'You say "milk". Before that you said "tea".'
        assert ask(one, "t", "more") == 'You say "more". Before that you said "tea", "milk".'
        finished = said(other, "t")
        assert len(finished) == 6

        with asking(other, "t", LONG) as response:
            answer = events(response)
            pieces = [next(answer) for _ in range(3)]
            assert pieces == [("token", "You "), ("token", "say "), ("token", '"word ')]
            eventually(lambda: said(one, "t") == [*finished, LONG])  # it is being answered
            service.kill()

    service.start()
    with service.clients() as (one, other):
        # Finished turns are there, and what was not answered is known.
        assert said(one, "t") == [*finished, LONG]
        remembered = '"tea", "milk", "more", "word word word word word word word [...]"'
        assert ask(other, "t", "on") == f'You say "on". Before that you said {remembered}.'

        eventually(lambda: query(postgres_dsn, SESSIONS) == [("t", "ann", "finished", 9)])
        redis_client.flushdb()
        assert ask(one, "t", "!").endswith(f'{remembered}, "on".')
        assert len(said(other, "t")) == 11

        both_at_once(one, other)

    assert service.stop() == 0
    assert "Traceback" not in service.log.read_text()


def both_at_once(one, other):
    """What the docstring of the endpoint says of it."""
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, (one, other), ("u", "u"), ("left", "right")))
    assert [answer.split(".")[0] for answer in answers] == ['You say "left"', 'You say "right"']
    conversation = said(one, "u")
    assert conversation[-1] in answers
    last = conversation[-2]
    assert ask(other, "u", "and").endswith(f'"{last}".')
