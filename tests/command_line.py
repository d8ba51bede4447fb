"""The command `langgraph-dualstore`, run as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("langgraph-dualstore")

_NAMES = ("POSTGRES_DSN", "DATABASE_URL", "DATABASE_URI", "REDIS_URL", "REDIS_URI")
_BARE = {name: value for name, value in os.environ.items() if name not in _NAMES}


def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    # Whoever runs the tests may ignore SIGINT, and what it starts then does too.
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)],
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
