"""Which servers the tests use: `--redis KIND`; every fixture of theirs is in `fixtures/`."""

from __future__ import annotations

import os

import pytest
from servers import kinds
from servers.server import ServerUnavailable

pytest_plugins = ["fixtures.redis_servers", "fixtures.savers", "fixtures.special_servers"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--redis",
        choices=kinds.KINDS,
        default=os.environ.get("DUALSTORE_TEST_REDIS", kinds.DEFAULT),
        help="the server that the tests use; also DUALSTORE_TEST_REDIS",
    )


def pytest_configure(config: pytest.Config) -> None:
    kind = config.getoption("--redis")
    if kind not in kinds.KINDS:
        raise pytest.UsageError(f"DUALSTORE_TEST_REDIS={kind}: not one of {', '.join(kinds.KINDS)}")
    try:
        kinds.check(kind)
    except ServerUnavailable as error:
        raise pytest.UsageError(f"--redis {kind}: {error}") from error


def pytest_report_header(config: pytest.Config) -> str:
    containers = "run" if _containers_asked_for(config) else "deselected, see --redis container"
    return f"redis: {config.getoption('--redis')}; container tests: {containers}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Container tests need a Docker engine and run when they are asked for."""
    if _containers_asked_for(config):
        return
    left_out = [item for item in items if item.get_closest_marker("containers")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _containers_asked_for(config: pytest.Config) -> bool:
    return (
        config.getoption("--redis") == "container"
        or "containers" in config.getoption("-m")
        or os.environ.get("DUALSTORE_TEST_CONTAINERS") == "1"
    )
