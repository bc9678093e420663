"""The virtual environment, built from requirements.txt. The previous one stays while any process uses it.

Standard library only.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from include.stack.errors import StackError
from include.stack.machine import lock

NEEDS_NEW = ("up", "test")
"""Commands that install a changed requirements.txt; the others use the existing packages."""


class Venvs:
    """The virtual environments of a checkout: `.venv-…`, named by a hash, and `.venv`, a link to the newest."""

    def __init__(self, root: Path) -> None:
        self._requirements, self._link = root / "requirements.txt", root / ".venv"
        self._wanted = hashlib.sha256(self._requirements.read_bytes()).hexdigest()
        self._made = root / f".venv-{self._wanted[:12]}"

    def fitting(self) -> Path | None:
        """The environment built from exactly the current requirements.txt, or None."""
        return next((each for each in (self._made, self._link) if _stamp(each) == self._wanted), None)

    def usable(self) -> Path | None:
        """The fitting environment, or else the newest complete one of an earlier requirements.txt, or None."""
        others = sorted((each for each in self._all() if _stamp(each)), key=lambda each: each.stat().st_mtime)
        return self.fitting() or next(iter(others[::-1]), None)

    def make(
        self, python: str, variables: Mapping[str, str], check: Callable[[], None], report: Callable[[str], None]
    ) -> Path:
        """The fitting environment; builds it if missing. One command builds at a time; `check` may raise before that.

        Raises StackError if a step fails; existing environments stay.
        """
        check()

        def waiting(process: int, what: str) -> None:
            report(f"Waiting: process {process} is {what} ...")

        with lock.held(self._link.with_name(".venv.lock"), "building .venv", waiting):
            if self.fitting() is None:
                report("Building .venv from requirements.txt (about 1.6 GB, once) ...")
                try:
                    self._fill(python, variables)
                except BaseException:
                    shutil.rmtree(self._made, ignore_errors=True)
                    raise
                self._switch()
        found = self.fitting()
        assert found is not None  # noqa: S101  # it was just built
        return found

    def _fill(self, python: str, variables: Mapping[str, str]) -> None:
        """Installs exactly requirements.txt with uv, or with pip if uv is unavailable. Writes the stamp last."""
        shutil.rmtree(self._made, ignore_errors=True)
        variables = {
            **variables, "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }  # fmt: skip
        inside, quiet = str(self._made / "bin" / "python"), ["-q", "-r", str(self._requirements)]

        def run(*words: str) -> bool:
            return subprocess.call(words, env=variables, stdin=subprocess.DEVNULL) == 0

        uv = shutil.which("uv", path=variables["PATH"])
        if not run(python, "-m", "venv", *(["--without-pip"] if uv else []), str(self._made)):
            raise StackError(
                f"Could not create .venv with {python}.",
                "Debian, Ubuntu: apt-get install python3-venv; else see above.",
            )
        if not uv:
            alone = self._made / "uv.txt"
            alone.write_text(self._uv())
            if run(inside, "-m", "pip", "install", "--no-deps", "--require-hashes", "-q", "-r", str(alone)):
                uv = str(self._made / "bin" / "uv")
        command = [uv, "pip", "install", "--python", inside] if uv else [inside, "-m", "pip", "install"]
        if not run(*command, "--no-deps", "--require-hashes", *quiet):
            proxy = variables.get("https_proxy") or variables.get("all_proxy")
            raise StackError(
                "Could not install the Python packages (see above).",
                "Check the network and your pip or uv index settings"
                + (" and the proxy in https_proxy" if proxy else "; if you use a proxy, set https_proxy")
                + ", then rerun the same command.",
            )
        (self._made / "requirements.sha256").write_text(self._wanted)

    def _uv(self) -> str:
        """The lines of requirements.txt that pin uv."""
        lines = self._requirements.read_text().splitlines(keepends=True)
        begin = next((number for number, line in enumerate(lines) if line.startswith("uv==")), len(lines))
        end = next((number for number in range(begin, len(lines)) if not lines[number].endswith("\\\n")), begin)
        return "".join(lines[begin : end + 1])

    def _switch(self) -> None:
        """Points `.venv` at the new environment, and removes environments that no process uses."""
        running = set(_running_paths())
        for each in self._link.parent.glob(".venv-*"):
            if each != self._made and not any(f"{each}/" in line for line in running):
                shutil.rmtree(each, ignore_errors=True)
        if self._link.is_dir() and not self._link.is_symlink():  # created by an earlier version of Logsieve
            if any(f"{self._link}/" in line for line in running):
                return
            shutil.rmtree(self._link)
        partial = self._link.with_name(".venv.partial")
        partial.unlink(missing_ok=True)
        partial.symlink_to(self._made.name)
        partial.replace(self._link)

    def _all(self) -> list[Path]:
        ours = [each for each in self._link.parent.glob(".venv-*") if each.is_dir()]
        return ours if self._link.resolve() in ours or not self._link.is_dir() else [*ours, self._link]


def _stamp(venv: Path) -> str | None:
    """The hash of its requirements.txt; None if it is incomplete, or its Python is gone."""
    with suppress(OSError):
        if os.access(venv / "bin" / "python", os.X_OK):
            return (venv / "requirements.sha256").read_text()
    return None


def _running_paths() -> Iterator[str]:
    """The command line of every readable process."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_bytes().decode(errors="replace")


def choose(root: Path, arguments: list[str], variables: Mapping[str, str], check: Callable[[], None]) -> Path:
    """The virtual environment for this command. Raises StackError if it must be built and that fails."""

    def report(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    venvs = Venvs(root)
    found = venvs.usable()
    stale = venvs.fitting() is None
    if found is None or (stale and arguments[:1] and arguments[0] in NEEDS_NEW):
        return venvs.make(sys.executable, variables, check, report)
    if stale:
        report("requirements.txt has changed since the packages were installed. To install it: ./logsieve up")
    return found
