"""Running a server that refuses to run as root, when this process is root.

Nothing of the system is changed for it: no account is made, and no folder is opened to
others. The server runs as the system's `nobody` in a data folder of its own, and reaches
that through a descriptor, as the folders above it may be closed to `nobody`. Programs
that are closed to it are copied to a temporary folder for as long as the server runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from langgraph_dualstore.errors import ConfigurationError

_NOBODY = "nobody"


class Account(NamedTuple):
    """The ids of the system's user that a server runs as."""

    uid: int
    gid: int


def account_for(data: Path) -> Account | None:
    """Return whom a server is to run as, `None` when that is this process's user.

    Args:
        data: The server's data, which stays its owner's if it is there already.

    Raises:
        ConfigurationError: This process is root and the system has no `nobody`.
    """
    if os.geteuid() != 0:
        return None
    if data.exists():
        owned = data.stat()
        return Account(owned.st_uid, owned.st_gid)
    import pwd  # noqa: PLC0415 - not on Windows

    try:
        nobody = pwd.getpwnam(_NOBODY)
    except KeyError:
        raise ConfigurationError(
            f"As root, PostgreSQL runs as the user {_NOBODY}, which this system does not have."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def hand_over(path: Path | int, account: Account | None) -> None:
    """Make a file the account's, if there is one."""
    if account:
        os.chown(path, *account)


def reachable(folder: Path, descriptor: int, account: Account | None) -> str:
    """Return a path by which the account can enter a folder.

    Args:
        folder: The folder.
        descriptor: The open folder, which the account's process inherits.
        account: Who is to enter it.
    """
    magic = Path("/proc/self/fd")
    return str(magic / str(descriptor) if account and magic.exists() else folder)


def runnable(program: Path, account: Account | None) -> bool:
    """Tell whether an account can run an installed program."""
    if account is None:
        return True
    try:
        subprocess.run(  # noqa: S603
            [program, "--version"],
            cwd="/",
            check=True,
            capture_output=True,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def open_copy(installation: Path) -> Path:
    """Copy programs out of a wheel to where everybody may run them, but not change them.

    Args:
        installation: A folder in a package.

    Returns:
        A new folder, in which the copy lies as the original does in `site-packages`.
    """
    site = installation.parent.parent
    # The programs look for the libraries that the wheel's maker added where these are.
    libraries = site / f"{installation.parent.name}.libs"
    copy = Path(tempfile.mkdtemp(prefix="dualstore-"))
    for folder in (installation, libraries):
        if folder.exists():
            target = copy / folder.relative_to(site)
            shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.a"))
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    return copy
