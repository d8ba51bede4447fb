"""LangGraph's own conformance suite, for the async methods and for the sync ones."""

import inspect

import pytest
from encryption import encrypting
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import ALL_CAPABILITIES, DetectedCapabilities
from sync_adapter import SyncMethodsInLoop, SyncMethodsInThreads

from langgraph_dualstore import DualStoreSaver


async def assert_conforms(redis_url, adapt=lambda saver: saver, **options):
    @checkpointer_test(name="DualStoreSaver")
    async def factory():
        async with DualStoreSaver.from_conn_string(redis_url, **options) as saver:
            yield adapt(saver)

    report = await validate(factory)
    assert {name for name, result in report.results.items() if result.detected} == {
        capability.value for capability in ALL_CAPABILITIES
    }
    assert {name: result.failures for name, result in report.results.items()} == {
        capability.value: [] for capability in ALL_CAPABILITIES
    }
    assert all(result.tests_passed for result in report.results.values())
    assert report.passed_all()


async def test_the_async_methods_conform_in_every_capability(redis_url):
    await assert_conforms(redis_url)


async def test_a_saver_that_encrypts_conforms(redis_url):
    await assert_conforms(redis_url, serde=encrypting())


async def test_the_sync_methods_conform_on_worker_threads(redis_url):
    await assert_conforms(redis_url, SyncMethodsInThreads)


async def test_the_sync_methods_conform_inside_a_running_loop(redis_url):
    await assert_conforms(redis_url, SyncMethodsInLoop)


def test_every_capability_is_detected_on_the_class(saver):
    assert DetectedCapabilities.from_instance(saver).missing == frozenset()


@pytest.mark.parametrize("name", ["put_writes", "aput_writes"])
def test_the_engine_finds_task_path_in_the_signature(saver, name):
    assert "task_path" in inspect.signature(getattr(saver, name)).parameters


@pytest.mark.parametrize(
    "name",
    [
        *("get_tuple", "list", "put", "put_writes", "delete_thread", "delete_for_runs"),
        *("copy_thread", "prune", "get_delta_channel_history", "get_next_version"),
        *("aget_tuple", "alist", "aput", "aput_writes", "adelete_thread", "adelete_for_runs"),
        *("acopy_thread", "aprune", "aget_delta_channel_history"),
    ],
)
def test_the_class_has_the_whole_contract_as_methods_of_its_own(saver, name):
    assert getattr(type(saver), name) is not getattr(BaseCheckpointSaver, name)
