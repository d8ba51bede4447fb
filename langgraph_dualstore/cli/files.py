"""Files that are there when they are complete, and not before."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from langgraph_dualstore.cli.consoles import fail


@contextlib.contextmanager
def written_whole(path: Path, *, force: bool) -> Iterator[TextIO]:
    """Yield a file that gets its name in the end, unless an error ends it before that.

    Args:
        path: The name.
        force: Whether a file of this name may be replaced.

    Raises:
        typer.Exit: With 2: there is such a file, or it cannot be written.
    """
    try:
        path = path.resolve()  # of a link, what it leads to is replaced
        if path.exists():
            _require_replaceable(path, force=force)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(part.open("x", encoding="utf-8"))
            stack.callback(part.unlink, missing_ok=True)
            yield file
            file.close()
            _name(part, path, force=force)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        fail(f"{path} cannot be written: {error.strerror}", code=2)


def _require_replaceable(path: Path, *, force: bool) -> None:
    if not path.is_file():
        fail(f"{path} is there already, and no file", code=2)
    if not force:
        fail(f"{path} is there already; --force replaces it", code=2)


def _name(part: Path, path: Path, *, force: bool) -> None:
    if force:
        part.replace(path)
        return
    try:
        os.link(part, path)  # fails if there is such a file by now
    except FileExistsError:
        fail(f"{path} is there already; --force replaces it", code=2)
    except OSError:  # a file system without links
        part.rename(path)
