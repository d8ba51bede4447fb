import pytest
from graph_runner import Runner

pytest.register_assert_rewrite("raw_checkpoints", "tuple_comparison")


@pytest.fixture(params=["sync", "async", "exit"])
def durability(request):
    return request.param


@pytest.fixture(params=["sync", "async"])
def runner(request, durability):
    """Both ways to run a graph, each at every durability."""
    return Runner(request.param, durability)
