"""Checks for problems that would otherwise surface only after a long download, or without a clear message.

The launcher runs them before it creates .venv; `up` and `doctor` run them again. Standard library only.
"""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from include import folders
from include.stack.machine import java

GIB = 2**30
SERVERS = ("kafka", "mysql", "elasticsearch", "postgres")
"""The servers of the embedded stack, each with a user of its own if root starts it: two of them refuse root."""
PLACE = (
    "Move it to a folder with a plain name (letters, digits, spaces and . _ - + @ ( ) ~ &) where programs may run."
    " To keep data and parts outside of the checkout, set LOGSIEVE_STATE and LOGSIEVE_PARTS."
)


@dataclass(frozen=True)
class Check:
    """One check: its name, what it found, and the remedy, which is empty if there is no problem."""

    name: str
    found: str
    remedy: str = ""


def architecture() -> Check:
    """Linux on x86_64, the only platform of the embedded MySQL."""
    machine = os.uname()
    found = f"{machine.sysname} {machine.machine}"
    return Check("architecture", found, "" if found == "Linux x86_64" else "Use your own servers: docs/own-servers.md.")


def java_version(path: str | None = None) -> Check:
    """Java 17 or newer on `path`, or on the PATH."""
    if not shutil.which("java", path=path):
        return Check("java", "missing", java.REMEDY)
    found = java.version(path)
    return Check("java", found or "does not start", java.REMEDY if java.is_too_old(found) else "")


def user_of(server: str) -> str:
    """The user that runs a server if root starts the stack."""
    return f"logsieve-{server}"


def has_user(name: str) -> bool:
    """Whether this machine knows the user."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def user() -> Check:
    """The user has a name, which Spark and PostgreSQL require. For root, the servers' users exist or can be created."""
    number = os.geteuid()
    try:
        found = pwd.getpwuid(number).pw_name
    except KeyError:
        remedy = f"Add one as root: echo 'logsieve:x:{number}:{os.getegid()}::/tmp:/bin/sh' >> /etc/passwd"
        return Check("user", f"{number} has no name on this machine", remedy)
    missing = [name for name in map(user_of, SERVERS) if not has_user(name)] if number == 0 else []
    if missing and not shutil.which("useradd"):
        remedy = "Install useradd (Debian: passwd, Fedora: shadow-utils), or start the stack as another user."
        return Check("user", f"root, without useradd to create {', '.join(missing)}", remedy)
    return Check("user", f"root; the servers run as {', '.join(map(user_of, SERVERS))}" if number == 0 else found)


def places(*used: Path) -> Check:
    """Every server can run from these folders."""
    for folder in used:
        if why := folders.problem(folder):
            return Check("folders", f"{str(folder)!a} {why}", PLACE)
    return Check("folders", "usable by all servers")


def room(folder: Path, least: int) -> Check:
    """At least `least` bytes are free in the folder, or where it will be created."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    remedy = f"Free disk space at {there}, or use a folder on another disk." if free < least else ""
    return Check("disk", f"{free / GIB:.1f} GiB free at {there}", remedy)
