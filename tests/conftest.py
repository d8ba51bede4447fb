"""Which servers the tests use: `--redis KIND`, `--postgres KIND`; fixtures are in `fixtures/`."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType

import pytest
import redis.utils
from hypothesis import HealthCheck, settings
from servers import kinds, postgres_kinds
from servers.server import ServerUnavailable

pytest_plugins = [
    "fixtures.commands",
    "fixtures.postgres_servers",
    "fixtures.redis_servers",
    "fixtures.savers",
    "fixtures.special_servers",
]

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

SERVERS: dict[str, ModuleType] = {"redis": kinds, "postgres": postgres_kinds}

FIXTURES = {"redis": {"redis_kind"}, "postgres": {"postgres_server", "start_postgres"}}
"""What every other fixture that starts a server of the chosen kind rests on."""


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, chosen_from in SERVERS.items():
        parser.addoption(
            f"--{name}",
            choices=chosen_from.KINDS,
            default=os.environ.get(_variable(name), chosen_from.DEFAULT),
            help=f"the {name} server that the tests use; also {_variable(name)}",
        )


def pytest_configure(config: pytest.Config) -> None:
    # It is looked up in the package's metadata for every connection, of which tests open many.
    redis.utils.get_lib_version = functools.cache(redis.utils.get_lib_version)
    for name, chosen_from in SERVERS.items():
        kind = config.getoption(f"--{name}")
        if kind not in chosen_from.KINDS:
            known = ", ".join(chosen_from.KINDS)
            raise pytest.UsageError(f"{_variable(name)}={kind}: not one of {known}")
        try:
            chosen_from.check(kind)
        except ServerUnavailable as error:
            raise pytest.UsageError(f"--{name} {kind}: {error}") from error


def pytest_report_header(config: pytest.Config) -> str:
    chosen = "".join(f"{name}: {config.getoption(f'--{name}')}; " for name in SERVERS)
    containers = "run" if _containers_asked_for(config) else "deselected, see --redis container"
    return f"{chosen}container tests: {containers}"


@pytest.hookimpl(tryfirst=True)  # Before `-m` looks at the markers.
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what runs on which servers; leave out what needs more than wheels unless asked for."""
    for item in items:
        for name, fixtures in FIXTURES.items():
            if fixtures.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(name)
    unasked = [name for name, asked in _ASKED_FOR.items() if not asked(config)]
    left_out = [item for item in items if any(map(item.get_closest_marker, unasked))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _variable(name: str) -> str:
    return f"DUALSTORE_TEST_{name.upper()}"


def _containers_asked_for(config: pytest.Config) -> bool:
    return (
        any(config.getoption(f"--{name}") == "container" for name in SERVERS)
        or "containers" in config.getoption("-m")
        or os.environ.get("DUALSTORE_TEST_CONTAINERS") == "1"
    )


def _selected(marker: str) -> Callable[[pytest.Config], bool]:
    return lambda config: marker in config.getoption("-m")


_ASKED_FOR = {
    "containers": _containers_asked_for,
    "langgraph_server": _selected("langgraph_server"),
    "redis_saver": _selected("redis_saver"),
}
"""What is left out, by its marker, unless it is asked for."""
