"""What `./logsieve` does before the command itself: a made environment, a virtual one, and what would forbid both.

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
    """Becomes the command. Ends with 1, and the remedy, where this machine cannot run it."""
    os.umask(0o022)  # what is installed may be read by others; what holds data closes itself (supervisor.py)
    made = shell.for_command(os.environ, root, _home(root))
    os.environ.clear()
    os.environ.update(made)
    if arguments == ["compose-env"]:  # containers bring all that else is installed here
        os.execve(sys.executable, [sys.executable, "-m", "include.stack.containers.compose_env"], made)  # noqa: S606
    try:
        inside = str(venv.choose(root, arguments, made, lambda: check(root)) / "bin" / "python")
    except StackError as error:
        sys.exit(f"logsieve: {error.message}\n-> {error.remedy}")
    except KeyboardInterrupt:
        sys.exit(130)
    os.execve(inside, [inside, "-m", "include.stack.commands.cli", *arguments], made)  # noqa: S606


def check(root: Path) -> None:
    """Raises StackError, naming every remedy, for what would only be noticed after the download."""
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
    """The user's own folder; one of ours where it has none, or none that can be written."""
    named = os.environ.get("HOME", "")
    if named.startswith("/") and os.access(named, os.W_OK | os.X_OK):
        return named
    ours = root / ".parts" / "home"
    with suppress(OSError):  # who cannot write here is told so by the first step that has to
        ours.mkdir(parents=True, exist_ok=True)
    return str(ours)
