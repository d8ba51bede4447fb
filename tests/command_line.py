"""The command `langgraph-dualstore`, run as a process, at a terminal, or in this process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = Path(sys.executable).with_name("langgraph-dualstore")

_NAMES = (
    "POSTGRES_DSN",
    "POSTGRES_URI",
    "DATABASE_URL",
    "DATABASE_URI",
    "REDIS_URL",
    "REDIS_URI",
    "DUALSTORE_SAVER",
)
_BARE = {name: value for name, value in os.environ.items() if name not in _NAMES}
_STYLES = re.compile(r"\x1b\[[0-9;]*m")


def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    # Whoever runs the tests may ignore SIGINT, and what it starts then does too.
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**_BARE, "COLUMNS": "300", **environment},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def run(*arguments: object, **environment: str) -> Any:
    """Run it to its end; `returncode`, `stdout` and `stderr` tell what came of it."""
    with start(*arguments, **environment) as process:
        printed, told = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, printed, told)


def invoke(*arguments: object, **environment: str) -> Any:
    """Run it in this process; the result is as that of `run`."""
    from typer.testing import CliRunner  # noqa: PLC0415

    from langgraph_dualstore.cli import app  # noqa: PLC0415

    given = dict.fromkeys(_NAMES) | {"COLUMNS": "300"} | environment
    done = CliRunner().invoke(app, [str(each) for each in arguments], env=given)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(list(arguments), done.exit_code, done.stdout, done.stderr)


class Screen(NamedTuple):
    """What came of a command at a terminal.

    `written` is what the terminal was sent; in `text` its styles are left out.
    """

    returncode: int
    written: str

    @property
    def text(self) -> str:
        return _STYLES.sub("", self.written).replace("\r\n", "\n")


def at_terminal(*arguments: object, typed: str = "", **environment: str) -> Screen:
    """Run it at a terminal of 80 columns, at which something is typed when it asks."""
    with _terminal() as (ours, theirs):
        process = subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**_BARE, "TERM": "xterm", **environment},
            start_new_session=True,
            preexec_fn=_sit_down,  # noqa: PLW1509
        )
        os.close(theirs)
        written = b""
        try:
            with contextlib.suppress(OSError):  # the terminal's end is an error
                while some := os.read(ours, 65536):
                    written += some
                    if typed and b"[y/N]" in written:
                        os.write(ours, typed.encode())
                        typed = ""
            process.wait(30)
        finally:
            process.kill()
            process.wait()
    return Screen(process.returncode, written.decode())


def _sit_down() -> None:
    """Take the terminal, so that Ctrl-C is for this process."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def _terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    try:
        yield ours, theirs
    finally:
        os.close(ours)
