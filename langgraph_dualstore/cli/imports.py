"""Objects that an option names, as `module:name`."""

from __future__ import annotations

import importlib
import sys
from operator import attrgetter
from pathlib import Path
from typing import Any

from langgraph_dualstore.errors import ConfigurationError


def imported(option: str, path: str) -> Any:
    """Return what `module:name` names; a module in the current folder is found, too.

    Raises:
        ConfigurationError: There is no such module, or it has no such name. An error that
            the module itself raises is its author's to see, and goes on as it is.
    """
    module_name, colon, name = path.partition(":")
    if not (module_name and colon and name):
        raise ConfigurationError(f"{option} is MODULE:NAME, like my_app.store:make_saver")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # A module that it imports in turn is its own affair.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(f"{option}: there is no module {module_name}") from error
    try:
        return attrgetter(name)(module)
    except AttributeError as error:
        raise ConfigurationError(f"{option}: {module_name} has no {name}") from error
