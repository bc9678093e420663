"""A user of its own for each server, if root starts the stack; and what that user may read and write.

A server writes only to the folders `data`, `logs` and `tmp` in its own folder. Its program and its configuration belong
to root: whoever takes over a server cannot plant a file or a link for root to follow.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from include.stack import folders
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.fetch.parts import whole
from include.stack.machine import needs
from include.stack.machine.needs import SERVERS
from include.stack.private import write_private

OURS: Final = ("accounts", "airflow", "checkpoints", "indexer", "logs", "programs", "troubles")
"""Folders in the state that the stack's own user creates."""
_OTHERS_READ: Final = 0o004
_OTHERS_ENTER: Final = 0o005


def user_of(server: str) -> str | None:
    """The user that runs this server; None if the stack is not started by root, and runs as whoever starts it."""
    return needs.user_of(server) if os.geteuid() == 0 else None


def create_missing() -> None:
    """Creates the users of all servers, which can never log in. Raises StackError if the machine refuses."""
    for user in filter(None, map(user_of, SERVERS)):
        if needs.has_user(user):
            continue
        options = ("--system", "--user-group", "--no-create-home", "--home-dir=/nonexistent", "--shell=/bin/false")
        command = ["useradd", *options, user]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
            why = done.stderr.strip()
        except FileNotFoundError:
            why = "this machine has no useradd"
        if not needs.has_user(user):  # another stack may have created it meanwhile
            raise StackError(
                f"The user {user}, who runs one of the servers, could not be created: {why}",
                f"Create it as root ({' '.join(command)}), or start the stack as a user other than root.",
            )


def prepare(env: Environment, server: str) -> Path:
    """Creates the server's folder with `data`, `logs` and `tmp`, which only its user can enter; returns the folder.

    Empties `tmp`. The modes are set because the umask may differ, and because earlier versions left folders open.
    """
    folder, inside = folders.of_server(env.settings, server), env.state / server
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder != inside and inside.exists() and not folder.exists():  # of a version that ran the server as root
        shutil.move(inside, folder)
    folder.mkdir(exist_ok=True)
    share(folder, server, deep=False)
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    for name in ("data", "logs", "tmp"):
        (folder / name).mkdir(exist_ok=True)
        _hand_over(folder / name, server)
    return folder


def close(env: Environment) -> None:
    """Closes the state to other users: the folder, or what is in it, if the servers' users must pass through it."""
    env.state.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for name in OURS:
        (env.state / name).mkdir(exist_ok=True)
    for path in env.state.iterdir():
        if path.is_dir() and not path.is_symlink() and path.name not in SERVERS:
            path.chmod(0o700)


def write_readable(path: Path, text: str, server: str) -> None:
    """Writes a file that only its owner and the server's user can read, and only the owner can change."""
    write_private(path, text)
    share(path, server, deep=False)


def write_owned(path: Path, text: str, server: str) -> None:
    """Writes a file that belongs to the server's user, who alone can read it (0400), in a folder that does not."""
    write_private(path, text)
    path.chmod(0o400)
    if (user := user_of(server)) is not None:
        owner = pwd.getpwnam(user)
        os.chown(path, owner.pw_uid, owner.pw_gid)


def share(path: Path, server: str, *, deep: bool = True) -> None:
    """Lets the server's user read a file or folder of root and nobody else; with `deep`, all that is in it too."""
    if (user := user_of(server)) is None:
        return
    group = pwd.getpwnam(user).pw_gid
    for each in (path, *(path.rglob("*") if deep else ())):
        if each.is_symlink():
            continue
        os.chown(each, 0, group)
        runs = each.is_dir() or each.stat().st_mode & 0o100
        each.chmod(0o750 if runs else 0o640)


def program(env: Environment, server: str, unpacked: Path, name: str = "") -> Path:
    """The folder of a server's program where its user can read it: `unpacked` itself, or a copy in its own folder.

    `name`: of the copy, by default the same.
    """
    source = unpacked.resolve()
    if os.geteuid() != 0 or (folders.is_reachable(source) and _is_open(source)):
        return source
    copy = folders.of_server(env.settings, server) / (name or source.name)
    if not copy.exists():
        with whole(copy) as folder:
            shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True)
    share(copy, server)
    return copy


def as_user_of(server: str) -> dict[str, Any]:
    """Options of subprocess.run, to run a program as the server's user."""
    if (user := user_of(server)) is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _is_open(folder: Path) -> bool:
    """Whether every user can read all files in the folder."""
    return all(
        path.is_symlink()
        or path.stat().st_mode & (needed := _OTHERS_ENTER if path.is_dir() else _OTHERS_READ) == needed
        for path in (folder, *folder.rglob("*"))
    )


def _hand_over(folder: Path, server: str) -> None:
    """Gives a folder to the server's user and closes it to others.

    What is in it changes hands only if another user ran the server before. By file descriptors: that user could
    replace a folder by a link meanwhile.
    """
    if (user := user_of(server)) is None:
        return
    owner = pwd.getpwnam(user)
    folder.chmod(0o700)
    if folder.stat().st_uid == owner.pw_uid:
        return
    for descriptor, name in _all_in(folder):
        os.chown(name, owner.pw_uid, owner.pw_gid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(folder, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def _all_in(folder: Path) -> Iterator[tuple[int, str]]:
    for _, below, files, descriptor in os.fwalk(folder, follow_symlinks=False):
        for name in (*below, *files):
            yield descriptor, name
