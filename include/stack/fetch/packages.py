"""Packages of Debian or Ubuntu, unpacked into a folder of ours: nothing is installed, and no root is needed."""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PROGRAMS: Final = ("apt-get", "dpkg-deb")
_SECONDS: Final = 30
"""Timeout of apt for a server that does not answer."""


class PackageError(Exception):
    """A package that could not be fetched, and why."""


def available() -> bool:
    """Whether this machine has the programs that fetch and unpack packages."""
    return all(map(shutil.which, _PROGRAMS))


def unpack(target: Path, *choices: str) -> None:
    """Unpacks the first of the packages that the machine's own sources have. Raises PackageError."""
    with _apt(target) as apt:
        _first(apt, [["download", name] for name in choices])
        _unpack(target, apt.folder)


def unpack_newest(target: Path, *choices: Sequence[str]) -> None:
    """Unpacks the first group of packages that exists, with every library that they need, also the C library.

    The newest are in Ubuntu's own sources, and in Debian's suite `unstable`. Raises PackageError.
    """
    with _apt(target, unstable=_is_debian()) as apt:
        (apt.folder / "status").touch()  # as if nothing was installed: all libraries are downloaded
        _first(apt, [["--download-only", "--yes", "install", *names] for names in choices], alone=True)
        _unpack(target, apt.folder / "archives")


class _Apt:
    """apt-get with lists and downloads in a folder of its own, so that the system's stay untouched."""

    def __init__(self, folder: Path, sources: Path | None) -> None:
        self.folder = folder
        lists, archives = folder / "lists" / "partial", folder / "archives" / "partial"
        for each in (lists, archives):
            each.mkdir(parents=True)
        options: dict[str, object] = {
            "Dir::State::Lists": lists.parent,
            "Dir::Cache": folder,
            "Debug::NoLocking": 1,
            "Acquire::Languages": "none",
            "Acquire::Retries": 1,
            "Acquire::http::Timeout": _SECONDS,
            "Acquire::https::Timeout": _SECONDS,
            "APT::Install-Recommends": "false",
        }
        if os.geteuid() == 0:
            options["APT::Sandbox::User"] = "root"
        if sources is not None:
            options |= {"Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "/dev/null"}
        self._command = ["apt-get", "-qq", *_as_words(options)]
        self._alone = _as_words({"Dir::State": folder, "Dir::State::status": folder / "status"})

    def run(self, *words: str, alone: bool = False) -> str:
        """Runs apt-get in the folder; with `alone`, as if nothing was installed. Returns its first error, or ""."""
        command = [*self._command, *(self._alone if alone else []), *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        return (done.stderr.strip() or "apt-get failed").partition("\n")[0] if done.returncode else ""


@contextmanager
def _apt(target: Path, *, unstable: bool = False) -> Iterator[_Apt]:
    if not available():
        raise PackageError(f"this machine lacks {' or '.join(_PROGRAMS)}")
    with tempfile.TemporaryDirectory(dir=target, prefix="apt.") as name:
        folder, sources = Path(name), None
        if unstable:
            sources = folder / "unstable.sources"
            sources.write_text(_unstable())
        apt = _Apt(folder, sources)
        if wrong := apt.run("update"):
            raise PackageError(wrong)
        yield apt


def _first(apt: _Apt, commands: Sequence[Sequence[str]], *, alone: bool = False) -> None:
    errors = []
    for words in commands:
        if not (wrong := apt.run(*words, alone=alone)):
            return
        errors.append(wrong)
    raise PackageError(errors[0])


def _unpack(target: Path, archives: Path) -> None:
    for archive in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(archive), str(target)], check=True)


def _is_debian() -> bool:
    try:
        return platform.freedesktop_os_release()["ID"] == "debian"
    except OSError:
        return False


def _unstable() -> str:
    """A list of sources with Debian's unstable suite alone, from the mirror that this machine uses."""
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "unstable")
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    found = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    mirror = next((line.split()[0] for line in found if line.split()[1:] == [suite]), None)
    if mirror is None:
        raise PackageError(f"apt's sources name no mirror of {suite}")
    signed = f"Signed-By: {_KEYRING}\n" if _KEYRING.exists() else ""
    return f"Types: deb\nURIs: {mirror}\nSuites: unstable\nComponents: main\n{signed}"


def _as_words(options: dict[str, object]) -> list[str]:
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
