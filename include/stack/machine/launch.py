"""Starts the command for `./logsieve`: checks the machine, prepares the environment and the virtual environment.

Standard library only.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from include import folders
from include.stack.errors import StackError
from include.stack.machine import needs, shell, venv

ENOUGH_DISK = 7 * needs.GIB


def main(root: Path, arguments: list[str]) -> None:
    """Replaces this process with the command. Exits with 1 and the remedy if this machine cannot run it."""
    os.umask(0o022)  # other users may read installed files; programs with data set their own umask (supervisor.py)
    variables = shell.for_command(os.environ, root, _home(root))
    os.environ.clear()
    os.environ.update(variables)
    if arguments == ["compose-env"]:  # containers include everything that is otherwise installed here
        os.execve(sys.executable, [sys.executable, "-m", "include.stack.containers.compose_env"], variables)  # noqa: S606
    try:
        inside = str(venv.choose(root, arguments, variables, lambda: check(root)) / "bin" / "python")
    except StackError as error:
        sys.exit(f"logsieve: {error.message}\n-> {error.remedy}")
    except KeyboardInterrupt:
        sys.exit(130)
    os.execve(inside, [inside, "-m", "include.stack.commands.cli", *arguments], variables)  # noqa: S606


def check(root: Path) -> None:
    """Raises StackError with every remedy for problems that would otherwise surface only after the download."""
    used = [
        root,
        *(folders.real(os.environ[name]) for name in ("LOGSIEVE_STATE", "LOGSIEVE_PARTS") if name in os.environ),
    ]
    found = (
        needs.architecture(), needs.java_version(), needs.user(), needs.places(*used), needs.room(root, ENOUGH_DISK),
    )  # fmt: skip
    wrong = [each for each in found if each.remedy]
    if wrong:
        raise StackError(
            "\n".join(f"{each.name}: {each.found}" for each in wrong), "\n".join(each.remedy for each in wrong)
        )


def _home(root: Path) -> str:
    """The user's home folder, or one of ours if it is missing or not writable."""
    named = os.environ.get("HOME", "")
    if named.startswith("/") and os.access(named, os.W_OK | os.X_OK):
        return named
    ours = root / ".parts" / "home"
    with suppress(OSError):  # the first step that needs to write reports the error
        ours.mkdir(parents=True, exist_ok=True)
    return str(ours)
