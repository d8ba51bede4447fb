"""The saver that a command works with, and the options that say which it is."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec

from langgraph_dualstore.cli.failures import told_in_a_sentence
from langgraph_dualstore.cli.imports import imported
from langgraph_dualstore.cli.options import PostgresIfAny, Prefix, RedisIfAny, Saver, Schema
from langgraph_dualstore.environment import DSNS, URLS
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.saver import DualStoreSaver
from langgraph_dualstore.settings import Settings

_P = ParamSpec("_P")


@contextlib.contextmanager
def opened(
    *,
    redis: RedisIfAny = None,
    postgres: PostgresIfAny = None,
    schema: Schema = "public",
    prefix: Prefix = Settings.prefix,
    saver: Saver = None,
) -> Iterator[DualStoreSaver]:
    """Yield the saver that the options say, and close it in the end.

    One that is made here does not archive by itself.

    Raises:
        ConfigurationError: An option is not valid.
    """
    with _made(saver) if saver else _of(redis, postgres, schema, prefix) as made:
        yield made


def with_saver(
    command: Callable[Concatenate[DualStoreSaver, _P], None], *, archive: bool = False
) -> Callable[..., None]:
    """Return a command that has the options of `opened` besides its own.

    What it raises of this package's errors is told in a sentence.

    Args:
        command: Is handed the saver.
        archive: Whether it can do nothing without an archive.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    shared = list(inspect.signature(opened, eval_str=True).parameters.values())

    @functools.wraps(command)
    def run(**options: Any) -> None:
        given = {parameter.name: options.pop(parameter.name) for parameter in shared}
        with told_in_a_sentence(), opened(**given) as saver:
            if archive and not saver.servers.cold:
                raise ConfigurationError(_NO_ARCHIVE)
            command(saver, **options)  # type: ignore[call-arg]

    run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in (*own, *shared)}
    return run


_NO_ARCHIVE = f"there is no archive; --postgres, or {DSNS[0]}, says where it is"


def _of(redis: str | None, postgres: str | None, schema: str, prefix: str) -> DualStoreSaver:
    # The options have read the variables already, and win.
    given = {URLS[0]: redis or "", DSNS[0]: postgres or ""}
    return DualStoreSaver.from_env(
        environ=os.environ | given, schema=schema, prefix=prefix, run_archiver=False
    )


def _made(path: str) -> DualStoreSaver:
    made = imported("--saver", path)
    made = made() if callable(made) else made
    if not isinstance(made, DualStoreSaver):
        raise ConfigurationError(f"--saver: {path} is no DualStoreSaver, and returns none")
    return made
