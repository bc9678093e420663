"""The virtual environment: made of requirements.txt beside the last one, which stays as long as anything runs on it.

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
"""Commands that install what a change of requirements.txt asks for; the others take what there is."""


class Venvs:
    """Those of one checkout: `.venv-…`, named by what is in them, and `.venv`, a link to the newest."""

    def __init__(self, root: Path) -> None:
        self._requirements, self._link = root / "requirements.txt", root / ".venv"
        self._wanted = hashlib.sha256(self._requirements.read_bytes()).hexdigest()
        self._made = root / f".venv-{self._wanted[:12]}"

    def fitting(self) -> Path | None:
        """The one of exactly today's requirements.txt."""
        return next((each for each in (self._made, self._link) if _stamp(each) == self._wanted), None)

    def usable(self) -> Path | None:
        """That one, or else the newest whole one, of an earlier requirements.txt."""
        others = sorted((each for each in self._all() if _stamp(each)), key=lambda each: each.stat().st_mtime)
        return self.fitting() or next(iter(others[::-1]), None)

    def make(
        self, python: str, variables: Mapping[str, str], check: Callable[[], None], say: Callable[[str], None]
    ) -> Path:
        """The fitting one, made where it is not there; `check` may refuse that before. One command makes it at a time.

        Raises StackError when a step fails; what was there before stays.
        """
        check()

        def waiting(process: int, what: str) -> None:
            say(f"Waiting: process {process} is {what} ...")

        with lock.held(self._link.with_name(".venv.lock"), "making .venv", waiting):
            if self.fitting() is None:
                say("Making .venv from requirements.txt (about 1.3 GB, once) ...")
                try:
                    self._fill(python, variables)
                except BaseException:
                    shutil.rmtree(self._made, ignore_errors=True)
                    raise
                self._switch()
        found = self.fitting()
        assert found is not None  # noqa: S101  # it was just made
        return found

    def _fill(self, python: str, variables: Mapping[str, str]) -> None:
        """Exactly requirements.txt, by uv when there is one or pip can bring it, else by pip; the stamp comes last."""
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
                f"Could not make .venv with {python}.", "Debian, Ubuntu: apt-get install python3-venv; else see above."
            )
        if not uv and run(inside, "-m", "pip", "install", "-q", "uv"):
            uv = str(self._made / "bin" / "uv")
        command = [uv, "pip", "install", "--python", inside] if uv else [inside, "-m", "pip", "install"]
        if not run(*command, "--no-deps", *quiet):
            proxy = variables.get("https_proxy") or variables.get("all_proxy")
            raise StackError(
                "Could not install the Python packages (above: why).",
                "Check the network and your pip or uv index settings"
                + (" and the proxy that https_proxy names" if proxy else ", or name your proxy in https_proxy")
                + ", then run the same command again.",
            )
        (self._made / "requirements.sha256").write_text(self._wanted)

    def _switch(self) -> None:
        """Points `.venv` at the new one, and removes those on which nothing runs any more."""
        running = set(_running_paths())
        for each in self._link.parent.glob(".venv-*"):
            if each != self._made and not any(f"{each}/" in line for line in running):
                shutil.rmtree(each, ignore_errors=True)
        if self._link.is_dir() and not self._link.is_symlink():  # made by an earlier version
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
    """The hash of what it was made of; None for one that is half made, or whose Python is gone."""
    with suppress(OSError):
        if os.access(venv / "bin" / "python", os.X_OK):
            return (venv / "requirements.sha256").read_text()
    return None


def _running_paths() -> Iterator[str]:
    """The command line of every process that can be looked at."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_bytes().decode(errors="replace")


def choose(root: Path, arguments: list[str], variables: Mapping[str, str], check: Callable[[], None]) -> Path:
    """The virtual environment that this command runs in. Raises StackError when it has to be made and cannot be."""

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    venvs = Venvs(root)
    found = venvs.usable()
    stale = venvs.fitting() is None
    if found is None or (stale and arguments[:1] and arguments[0] in NEEDS_NEW):
        return venvs.make(sys.executable, variables, check, say)
    if stale:
        say("requirements.txt has changed since the packages were installed: ./logsieve up installs the new ones.")
    return found
