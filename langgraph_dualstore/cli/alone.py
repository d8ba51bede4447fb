"""A command that does something by itself, and has commands of its own besides."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import typer


def unless_another(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that does nothing if one of its own commands is to be run.

    Options before that command's name would be lost, the server's too: they are refused.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())
    context = inspect.Parameter(
        "ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )

    @functools.wraps(command)
    def run(ctx: typer.Context, **options: Any) -> None:
        if ctx.invoked_subcommand is None:
            command(**options)
            return
        for name in options:
            source = ctx.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":
                raise typer.BadParameter(
                    f"options come after {ctx.invoked_subcommand}",
                    param_hint=ctx.info_name or "",
                )

    run.__signature__ = inspect.Signature([context, *own])  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in (context, *own)}
    return run
