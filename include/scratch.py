"""The folder for temporary files of programs. It is closed to other users, since it can contain text of logs.

A killed program leaves its files. They are in the state, not below /tmp, so the next program of the same kind can
recognize and remove them.
"""

import shutil
from contextlib import suppress
from pathlib import Path

from include.settings import Settings


def folder(settings: Settings, program: str = "") -> Path:
    """Returns the folder of all programs, or of one program."""
    return settings.scratch / program


def make(settings: Settings, *programs: str) -> None:
    """Creates the folder and the folders of these programs below it. Raises OSError."""
    for path in (settings.scratch, *(folder(settings, program) for program in programs)):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)


def empty(path: Path, before: float) -> None:
    """Removes entries last changed before a time, in seconds since 1970. Entries that cannot be removed stay."""
    for each in path.iterdir() if path.exists() else ():
        with suppress(OSError):  # another process removed it first, or another user owns it
            if each.lstat().st_mtime < before:
                remove(each)


def remove(path: Path) -> None:
    """Removes a file, a link, or a folder with its content. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
