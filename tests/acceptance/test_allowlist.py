"""Which classes are revived: none but the known ones, unless they are allowed."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pytest
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from raw_checkpoints import put, values_at

from langgraph_dualstore import ConfigurationError, DualStoreSaver


@dataclass
class Order:
    number: int


@dataclass
class Unheard:
    """LangGraph warns of a class once in a process: no other test stores one of these."""

    number: int


NAME = (Order.__module__, Order.__qualname__)


@pytest.fixture
def stored(saver):
    return put(saver, 1, {"order": Order(7), "count": 1})


def test_a_class_that_is_not_allowed_comes_back_as_plain_data_with_a_warning(saver, caplog):
    stored = put(saver, 1, {"order": Unheard(7), "count": 1})
    with caplog.at_level(logging.WARNING):
        assert values_at(saver, stored) == {"order": {"number": 7}, "count": 1}
    assert "allowed_msgpack_modules" in caplog.text


@pytest.mark.parametrize("allowed", [[Order], [NAME], True], ids=["class", "name", "all"])
def test_a_class_that_is_allowed_comes_back(redis_url, stored, allowed):
    with DualStoreSaver.from_conn_string(redis_url, allowed_msgpack_modules=allowed) as saver:
        assert values_at(saver, stored) == {"order": Order(7), "count": 1}


def test_with_allowlist_gives_a_saver_on_the_same_store_and_leaves_the_first_as_it_was(
    saver, stored
):
    assert values_at(saver, stored)["order"] == {"number": 7}
    extended = saver.with_allowlist([NAME])
    assert values_at(extended, stored)["order"] == Order(7)
    assert values_at(saver, stored)["order"] == {"number": 7}
    following = put(extended, 2, {"order": Order(8)}, parent=stored)
    assert values_at(saver.with_allowlist([NAME]), following)["order"] == Order(8)


def test_with_allowlist_reaches_an_encrypting_serializer(redis_url):
    strict = JsonPlusSerializer(allowed_msgpack_modules=None)
    serde = EncryptedSerializer.from_pycryptodome_aes(strict, key=b"0123456789abcdef")
    with DualStoreSaver.from_conn_string(redis_url, serde=serde) as saver:
        config = put(saver, 1, {"order": Order(7)})
        assert values_at(saver, config)["order"] == {"number": 7}
        assert values_at(saver.with_allowlist([NAME]), config)["order"] == Order(7)


def test_nothing_readable_is_stored_with_an_encrypting_serializer(redis_url, redis_client):
    serde = EncryptedSerializer.from_pycryptodome_aes(key=b"0123456789abcdef")
    with DualStoreSaver.from_conn_string(redis_url, serde=serde) as saver:
        config = put(saver, 1, {"secret": ["the password is swordfish"] * 9})
        saver.put_writes(config, [("secret", "swordfish again")], "task")
        assert values_at(saver, config) == {"secret": ["the password is swordfish"] * 9}
    dump = b"".join(redis_client.dump(key) for key in redis_client.scan_iter())
    raw = b"".join(
        redis_client.get(key)
        if redis_client.type(key) == b"string"
        else b"".join(redis_client.zrange(key, 0, -1))
        for key in redis_client.scan_iter()
        if redis_client.type(key) != b"hash"
    )
    assert b"swordfish" not in raw
    assert b"swordfish" not in dump


def test_an_allowlist_beside_an_own_serializer_is_refused(redis_url):
    with pytest.raises(ConfigurationError, match="default serializer"):
        DualStoreSaver.from_conn_string(
            redis_url, serde=JsonPlusSerializer(), allowed_msgpack_modules=[Order]
        )
