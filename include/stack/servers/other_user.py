"""Folders and user of the servers that refuse to run as root, for a stack that root starts."""

import os
import pwd
from pathlib import Path

from include.stack.environment import Environment
from include.stack.machine.needs import NOT_ROOT


def folder_of(env: Environment, name: str) -> Path:
    """Folder of a server that refuses root: in the state folder, or outside of it if other users cannot reach it."""
    inside = env.state / name
    reachable = all(parent.stat().st_mode & 0o001 for parent in inside.parents if parent.exists())
    if os.geteuid() != 0 or reachable:
        return inside
    return env.settings.outside / name


def never_root() -> str | None:
    """The user that runs servers which refuse root; None if root does not start the stack."""
    return NOT_ROOT if os.geteuid() == 0 else None


def hand_over(folder: Path) -> None:
    """Changes the owner of a folder to the user that runs the server, if root starts the stack."""
    if os.geteuid() == 0:
        owner = pwd.getpwnam(NOT_ROOT)
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
