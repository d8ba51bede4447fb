"""A serializer that raises in the middle leaves the store, and what the saver knows, as they were."""

import pytest
from async_twins import opened
from conversations import message, messages, talk
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from raw_checkpoints import config_of, found_at, put, values_at

from langgraph_dualstore import DualStoreSaver


class Fragile(JsonPlusSerializer):
    """Raises on the nth value from now on, again and again if that is wanted."""

    def __init__(self):
        super().__init__()
        self.left = None

    def fail_after(self, calls):
        self.left = calls

    def dumps_typed(self, obj):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise RuntimeError("the serializer fails")
        return super().dumps_typed(obj)


class Unserializable:
    """What no serializer takes."""


def snapshot(client):
    return {key: client.dump(key) for key in client.keys("*")}


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_at_whichever_value_it_fails_nothing_has_changed(redis_url, redis_client, methods):
    serde = Fragile()
    with (
        opened(redis_url, methods, serde=serde) as saver,
        DualStoreSaver.from_conn_string(redis_url) as fresh,
    ):
        last = talk(saver, 3)
        said = messages(3)
        for n in range(4, 9):
            said = [*said, message(n)]
            values = {"messages": said, "count": n, "text": f"{n} " * 400}
            before, calls = snapshot(redis_client), 0
            while True:
                serde.fail_after(calls)
                try:
                    new = put(saver, n, values, parent=last)
                    break
                except RuntimeError:
                    assert snapshot(redis_client) == before
                    calls += 1
            assert calls >= 3
            serde.left = None
            last = new
            assert values_at(fresh, last) == values
            before = snapshot(redis_client)
            serde.fail_after(1)
            with pytest.raises(RuntimeError):
                saver.put_writes(last, [("a", 1), ("b", 2)], "task")
            serde.left = None
            assert snapshot(redis_client) == before
        assert len(list(fresh.list(config_of()))) == 8


@pytest.mark.parametrize("methods", ["sync", "async"])
def test_the_default_one_fails_in_the_middle_of_a_list(redis_url, redis_client, methods):
    """The bytes of the messages before it were ready to be sent."""
    with (
        opened(redis_url, methods) as saver,
        DualStoreSaver.from_conn_string(redis_url) as fresh,
    ):
        last = talk(saver, 3)
        before = snapshot(redis_client)
        bad = message(5)
        bad.additional_kwargs["bad"] = Unserializable()
        for values in (
            {"messages": [*messages(4), bad]},
            {"messages": messages(4), "z": Unserializable()},
            {"messages": messages(4), "z": [*messages(30), Unserializable()]},
        ):
            with pytest.raises(TypeError):
                put(saver, 4, values, parent=last)
            assert snapshot(redis_client) == before
        again = put(saver, 4, {"messages": messages(4), "z": messages(30)}, parent=last)
        assert values_at(fresh, again) == {"messages": messages(4), "z": messages(30)}
        last = put(saver, 5, {"messages": messages(5)}, parent=again)
        assert values_at(fresh, last) == {"messages": messages(5)}
        assert found_at(fresh, config_of()).config == last
