"""A serializer that encrypts: nothing can be read without the key, and nothing planted."""

from __future__ import annotations

import pytest
from encryption import encrypting
from graph_runner import thread
from graphs import chat_graph, says

from langgraph_dualstore.errors import CorruptRecord


def talk(saver, text):
    chat_graph(getattr(saver, "saver", saver)).invoke(says(text), thread("1"))


def stored(client):
    """Everything on the server, as text."""
    read = {
        b"hash": client.hgetall,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"string": client.get,
    }
    return repr([read[client.type(key)](key) for key in client.scan_iter()])


@pytest.mark.parametrize("serde", [None, encrypting()])
def test_nothing_lies_in_redis_in_plain_text(open_saver, redis_client, serde):
    with open_saver(serde=serde) as saver:
        talk(saver, "swordfish")
        assert ("swordfish" in stored(redis_client)) == (serde is None)
        found = saver.get_tuple(thread("1"))
        assert found.checkpoint["channel_values"]["messages"][0].content == "swordfish"


def test_what_is_not_encrypted_is_refused(open_saver):
    with open_saver() as plain:
        talk(plain, "planted")
    with open_saver(serde=encrypting()) as saver:
        with pytest.raises(CorruptRecord, match="it is not encrypted"):
            saver.get_tuple(thread("1"))
        with pytest.raises(CorruptRecord, match="it is not encrypted"):
            list(saver.list(thread("1")))


def test_another_key_cannot_read_it(open_saver):
    with open_saver(serde=encrypting()) as saver:
        talk(saver, "swordfish")
    with open_saver(serde=encrypting(b"another key, too")) as saver:  # noqa: SIM117
        with pytest.raises(CorruptRecord, match="MAC check failed"):
            saver.get_tuple(thread("1"))
