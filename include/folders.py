"""Real paths of folders, and which paths every part of the stack accepts. Standard library only."""

import os
import unicodedata
from pathlib import Path
from typing import Final

MARKS: Final = "/ ._-+@()~&"
"""Characters that a path may contain besides letters and digits of any alphabet. Others are special to a part: colons
and semicolons in class paths, commas in Kafka, percent signs in supervisord, hashes in URLs, brackets in Spark's globs,
equals signs in Java agents, quotes, dollar signs and backslashes in shells and SQL."""
LONGEST: Final = 200
"""Longest path in characters; the parts create folders of their own below it."""


def real(path: str | Path) -> Path:
    """Returns the absolute path of a folder, with `~` and links resolved, so that a stack has only one name."""
    return Path(os.path.realpath(Path(os.path.expanduser(path))))  # noqa: PTH111  # Path's raises without a home


def problem(folder: Path) -> str | None:
    """Returns why the stack cannot use this folder; None if it can. The folder need not exist yet."""
    text = str(folder)
    odd = "".join(dict.fromkeys(letter for letter in text if not _is_plain(letter)))
    if odd:
        return f"contains {odd!a}, which one of the servers treats as special"
    if len(text) > LONGEST:
        return f"has a path of {len(text)} characters; all servers accept at most {LONGEST}"
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not there.is_dir():
        return "is not a folder"
    if os.statvfs(there).f_flag & os.ST_NOEXEC:
        return "is on a file system mounted noexec: programs cannot start there"
    return None


def _is_plain(letter: str) -> bool:
    return letter in MARKS or unicodedata.category(letter)[0] in "LMN"
