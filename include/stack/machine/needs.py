"""What would only be noticed after a long download, or never by name: looked at before anything is fetched.

The launcher asks before it makes .venv, `up` and `doctor` ask again. Standard library only.
"""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from include import folders
from include.stack.machine import java

GIB = 2**30
NOT_ROOT = "nobody"
"""Elasticsearch and PostgreSQL refuse to run as root; when root starts the stack, they run as this user."""
PLACE = (
    "Move it to a folder with a plain name (letters, digits, spaces and . _ - + @ ( ) ~ &) on a disk for programs;"
    " data and parts can be elsewhere than the checkout: LOGSIEVE_STATE, LOGSIEVE_PARTS."
)


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and the remedy; the remedy is empty when all is well."""

    name: str
    found: str
    remedy: str = ""


def architecture() -> Check:
    """Linux on x86_64, which the embedded MySQL is built for."""
    machine = os.uname()
    found = f"{machine.sysname} {machine.machine}"
    return Check("architecture", found, "" if found == "Linux x86_64" else "Use your own servers: docs/own-servers.md.")


def java_version(path: str | None = None) -> Check:
    """Java 17 or newer on the PATH, or on another one."""
    if not shutil.which("java", path=path):
        return Check("java", "missing", java.REMEDY)
    found = java.version(path)
    return Check("java", found or "does not start", java.REMEDY if java.is_too_old(found) else "")


def user() -> Check:
    """The user has a name, as Spark and PostgreSQL ask for it; root has somebody to run what refuses root."""
    number = os.geteuid()
    try:
        found = pwd.getpwuid(number).pw_name
    except KeyError:
        remedy = f"Give it one, as root: echo 'logsieve:x:{number}:{os.getegid()}::/tmp:/bin/sh' >> /etc/passwd"
        return Check("user", f"{number} has no name on this machine", remedy)
    if number == 0:
        try:
            pwd.getpwnam(NOT_ROOT)
        except KeyError:
            return Check("user", f"root, but there is no {NOT_ROOT}", f"Run it as another user, or: useradd {NOT_ROOT}")
    return Check("user", found)


def places(*used: Path) -> Check:
    """Every part can live in these folders."""
    for folder in used:
        if why := folders.problem(folder):
            return Check("folders", f"{str(folder)!a} {why}", PLACE)
    return Check("folders", "have names that all can read")


def room(folder: Path, least: int) -> Check:
    """So many bytes are free there, or where the folder will be."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    remedy = f"Free some disk at {there}, or use a folder on another one." if free < least else ""
    return Check("disk", f"{free / GIB:.1f} GiB free at {there}", remedy)
