"""Where a folder really is, and which names of folders every part of the stack can read. Standard library only."""

import os
import unicodedata
from pathlib import Path
from typing import Final

MARKS: Final = "/ ._-+@()~&"
"""What a path may have beside letters and digits of any alphabet. Others mean something to one of the parts: a colon
and a semicolon to class paths, a comma to Kafka, per cent to supervisord, a hash to URLs, brackets to Spark's globs,
an equals sign to agents of Java, quotes, a dollar and a backslash to shells and to SQL."""
LONGEST: Final = 200
"""Letters of a path; below it the parts make folders of their own."""


def real(path: str | Path) -> Path:
    """The one name of a folder: absolute, without `~` and links, so that a stack has one name only."""
    return Path(os.path.realpath(Path(os.path.expanduser(path))))  # noqa: PTH111  # Path's raises where no home is


def wrong(folder: Path) -> str | None:
    """Why the stack cannot live in this folder; None when it can. It need not be there yet."""
    text = str(folder)
    odd = "".join(dict.fromkeys(letter for letter in text if not _is_plain(letter)))
    if odd:
        return f"has {odd!a} in its name, which one of the servers reads in its own way"
    if len(text) > LONGEST:
        return f"has a name of {len(text)} letters, and {LONGEST} are the most that all servers take"
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not there.is_dir():
        return "is no folder"
    if os.statvfs(there).f_flag & os.ST_NOEXEC:
        return "is on a file system that is mounted noexec: programs cannot be started there"
    return None


def _is_plain(letter: str) -> bool:
    return letter in MARKS or unicodedata.category(letter)[0] in "LMN"
