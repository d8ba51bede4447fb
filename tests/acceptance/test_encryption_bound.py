"""Ciphertext that somebody moves from one thread into another, or renames, is refused."""

import pytest
from encryption import change_record, encrypting, key_of, record_in, with_value
from raw_checkpoints import checkpoint_id, config_of, found_at, put

from langgraph_dualstore import DualStoreSaver
from langgraph_dualstore.errors import CorruptRecord
from langgraph_dualstore.hot.keys import INDEX_LENGTH, split_address
from langgraph_dualstore.hot.messagelog import FRESH_BYTES, INLINE_BYTES
from langgraph_dualstore.hot.records import decode_write, encode_write

SIZES = {"small": 1, "fresh": INLINE_BYTES + 1, "logged": FRESH_BYTES + 1}
ELSEWHERE = "it belongs to another thread"


def fill(saver, thread_id):
    """Both threads have the same shape, so that the bytes of one fit where the other's are."""
    values = {name: thread_id * size for name, size in SIZES.items()}
    config = put(saver, 1, values, thread_id=thread_id, metadata={"owner": thread_id})
    saver.put_writes(config, [("small", thread_id)], "task")
    saver.log_turn(thread_id, 1, {"said": thread_id})


@pytest.fixture
def reader(open_saver):
    """Another process, which remembers nothing."""
    with open_saver(serde=encrypting()) as saver:
        yield saver


@pytest.fixture
def writer(redis_url):
    with DualStoreSaver.from_conn_string(redis_url, serde=encrypting()) as saver:
        yield saver


@pytest.fixture
def filled(writer):
    for thread_id in "ab":
        fill(writer, thread_id)
    return writer


def move_value(client, name):
    theirs = record_in(client, "a").channels[name]
    change_record(
        client,
        "b",
        lambda record: record._replace(channels={**record.channels, name: theirs}),
    )


def move_log(client):
    assert record_in(client, "a").channels["logged"].runs
    client.set(key_of("b", "log"), client.get(key_of("a", "log")))


def move_part(client, part):
    theirs = getattr(record_in(client, "a"), part)
    change_record(client, "b", lambda record: record._replace(**{part: theirs}))


def move_write(client):
    (theirs,), (ours,) = (client.zrange(key_of(name, "writes"), 0, -1) for name in "ab")
    value = decode_write(theirs, "a").value
    place = ours[: split_address(ours, 3)[1] + INDEX_LENGTH]
    client.zrem(key_of("b", "writes"), ours)
    client.zadd(key_of("b", "writes"), {place + encode_write("small", value, ""): 0})


def move_all(client):
    for part in ("head", "checkpoints", "writes", "log"):
        client.restore(key_of("b", part), 0, client.dump(key_of("a", part)), replace=True)


MOVES = {
    "small value": lambda client: move_value(client, "small"),
    "fresh value": lambda client: move_value(client, "fresh"),
    "value in the log": move_log,
    "checkpoint": lambda client: move_part(client, "checkpoint"),
    "metadata": lambda client: move_part(client, "metadata"),
    "pending write": move_write,
    "whole thread": move_all,
}


@pytest.mark.parametrize("move", MOVES)
def test_what_was_moved_is_refused_by_whoever_reads_it(redis_client, filled, reader, move):
    MOVES[move](redis_client)
    for config in (config_of("b"), config_of("b", id=checkpoint_id(1))):
        with pytest.raises(CorruptRecord, match=ELSEWHERE) as refused:
            reader.get_tuple(config)
        assert refused.value.thread_id == "b"
    with pytest.raises(CorruptRecord, match=ELSEWHERE):
        list(reader.list(config_of("b", None)))
    assert found_at(reader, config_of("a")).checkpoint["channel_values"]["small"] == "a"


@pytest.mark.parametrize("move", MOVES)
def test_what_was_moved_is_not_copied_on(redis_client, filled, reader, move):
    MOVES[move](redis_client)
    with pytest.raises(CorruptRecord, match=ELSEWHERE):
        reader.copy_thread("b", "c")
    assert reader.get_tuple(config_of("c")) is None


@pytest.mark.parametrize("move", ["metadata", "whole thread"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda saver: saver.prune(["b"]),
        lambda saver: saver.thread("b"),
        lambda saver: saver.state_document("b"),
        lambda saver: saver.list_threads(),
        lambda saver: saver.erase_user("nobody"),
    ],
    ids=["prune", "thread", "state_document", "list_threads", "erase_user"],
)
def test_no_operation_takes_it(redis_client, filled, reader, move, ask):
    MOVES[move](redis_client)
    with pytest.raises(CorruptRecord, match=ELSEWHERE):
        ask(reader)


def test_the_log_of_a_turn_is_bound_too(redis_client, filled, reader):
    theirs = redis_client.hget(key_of("a", "head"), "turn:1")
    redis_client.hset(key_of("b", "head"), "turn:1", theirs)
    with pytest.raises(CorruptRecord, match=ELSEWHERE):
        reader.turn_logs("b")
    assert reader.turn_logs("a") == {1: {"said": "a"}}


def test_what_a_put_goes_on_from_is_checked_when_it_is_read(redis_client, filled, reader):
    move_part(redis_client, "checkpoint")
    whole = dict.fromkeys(SIZES, "new")
    config = put(reader, 2, whole, thread_id="b", parent=config_of("b", id=checkpoint_id(1)))
    assert found_at(reader, config).checkpoint["channel_values"] == whole


@pytest.mark.parametrize("mark", ["", "+thread"])
def test_what_the_serializer_encrypts_by_itself_is_refused(redis_client, filled, reader, mark):
    type_, data = encrypting().dumps_typed(["planted by another program", "with the same key"])
    change_record(
        redis_client, "b", lambda record: with_value(record, "small", (type_ + mark, data))
    )
    with pytest.raises(CorruptRecord, match=r"for no thread|to another thread"):
        reader.get_tuple(config_of("b"))


@pytest.mark.parametrize(
    "name",
    ["null+aes+thread", "bytes+aes+thread", "json+aes+thread", "str+aes", "msgpack", "null", ""],
)
def test_a_value_that_was_given_another_type_is_refused(redis_client, filled, reader, name):
    value = record_in(redis_client, "b").channels["small"].inline
    change_record(redis_client, "b", lambda record: with_value(record, "small", (name, value)))
    with pytest.raises(CorruptRecord, match=r"type it is said|for no thread|not encrypted"):
        reader.get_tuple(config_of("b"))


def test_elements_in_plain_text_are_refused(redis_client, filled, reader):
    def change(record):
        plain = record.channels["logged"]._replace(type="msgpack", items=1)
        return record._replace(channels={**record.channels, "logged": plain})

    change_record(redis_client, "b", change)
    with pytest.raises(CorruptRecord, match="it is not encrypted"):
        reader.get_tuple(config_of("b"))
    with pytest.raises(CorruptRecord, match="it is not encrypted"):
        reader.copy_thread("b", "c")


def test_an_older_value_of_the_same_thread_is_not_told_from_the_newer(redis_client, writer, reader):
    """What the binding does not promise, and the documents say so."""
    config = put(writer, 1, {"small": "old"}, thread_id="b")
    theirs = record_in(redis_client, "b").channels["small"]
    put(writer, 2, {"small": "new"}, thread_id="b", parent=config)
    change_record(redis_client, "b", lambda record: record._replace(channels={"small": theirs}))
    assert found_at(reader, config_of("b")).checkpoint["channel_values"] == {"small": "old"}
