"""`examples/docker-compose.yml`, started by Docker Compose as its first lines say."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import langgraph_dualstore

ROOT = Path(__file__).parents[1]
_PATIENCE = 300.0  # seconds; the image is built, and a health check takes its interval
_SETTING = re.compile(r"^(\w+)=$", re.MULTILINE)
_NO_CACHES = shutil.ignore_patterns("__pycache__")


class Container(NamedTuple):
    """A service's container, as `docker compose ps` knows it."""

    id: str
    state: str
    health: str
    exit_code: int


class ComposeProject:
    """A project of its own name, so that one that the machine runs besides is left alone.

    Its image is called as the file says. It stays when the project is removed, for the next one.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.name = f"dualstore-test-{secrets.token_hex(4)}"
        self._folder = folder / "examples"
        _copy_repository(folder)
        example = (self._folder / ".env.example").read_text()
        names = set(_SETTING.findall(example))
        assert set(settings) <= names
        chosen = _SETTING.sub(lambda found: f"{found[1]}='{settings.get(found[1], '')}'", example)
        (self._folder / ".env").write_text(chosen)
        # What this process was given would go before the file.
        self._environment = {name: value for name, value in os.environ.items() if name not in names}

    def compose(self, *arguments: str) -> str:
        """What a command of Compose prints, if it ends well."""
        done = self._docker("compose", "--project-name", self.name, *arguments)
        if done.returncode == 0:
            return done.stdout
        log = self._docker("compose", "--project-name", self.name, "logs", "--tail", "50")
        raise AssertionError(
            f"{arguments} ended with {done.returncode}:\n{done.stderr}{log.stdout}"
        )

    def up(self, *options: str) -> None:
        self.compose("up", *options, "--wait")

    def containers(self) -> dict[str, Container]:
        """The services' containers, those that have ended, too."""
        listed = self.compose("ps", "--all", "--no-trunc", "--format", "json")
        rows = [json.loads(line) for line in listed.splitlines()]
        return {
            row["Service"]: Container(row["ID"], row["State"], row["Health"], row["ExitCode"])
            for row in rows
        }

    def execute(self, service: str, *command: str) -> str:
        """What a command prints that is run where a service runs, if it ends well."""
        return self.compose("exec", "--no-TTY", service, *command)

    def lose(self, service: str) -> None:
        """Take a service away with what it has stored, as if its disk had broken."""
        self.compose("rm", "--stop", "--force", service)
        self._list("volume", "rm", f"{self.name}_{service}")

    def left(self) -> list[str]:
        """What there is of it in the engine."""
        mine = ("--quiet", "--filter", f"label=com.docker.compose.project={self.name}")
        return [
            *self._list("container", "ls", "--all", *mine),
            *self._list("volume", "ls", *mine),
            *self._list("network", "ls", *mine),
        ]

    def remove(self) -> None:
        self.compose("down", "--volumes")

    def _list(self, *arguments: str) -> list[str]:
        done = self._docker(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def _docker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )


def _copy_repository(folder: Path) -> None:
    """Copy what the image is built from; the tests may run beside the installed package."""
    package = Path(langgraph_dualstore.__file__).parent
    shutil.copytree(package, folder / package.name, ignore=_NO_CACHES)
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=_NO_CACHES)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
