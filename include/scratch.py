"""The folder for what programs write for themselves and throw away, closed to others: it may have text of logs.

Whoever is killed leaves it behind. So it is in the state, and not below /tmp, where nobody would know whose it is, and
is emptied by the next one of its kind.
"""

import shutil
from contextlib import suppress
from pathlib import Path

from include.settings import Settings


def folder(settings: Settings, program: str = "") -> Path:
    """That of all programs, or of one of them."""
    return settings.scratch / program


def make(settings: Settings, *programs: str) -> None:
    """Makes it, and below it the folders of these programs. Raises OSError."""
    for path in (settings.scratch, *(folder(settings, program) for program in programs)):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)


def empty(path: Path, before: float) -> None:
    """Removes what was last changed before a time, in seconds since 1970; what cannot be removed stays."""
    for each in path.iterdir() if path.exists() else ():
        with suppress(OSError):  # somebody else was faster, or it is not ours
            if each.lstat().st_mtime < before:
                remove(each)


def remove(path: Path) -> None:
    """A file, a link or a folder with all that is in it. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
