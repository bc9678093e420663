"""What Airflow's runs leave as files: which of them are old, and their removal. The endless runs keep theirs.

Airflow's logs lie below `dag_id=…/run_id=…/task_id=…/attempt=N.log`; the DAG processor's in a folder a day.
"""

import re
import time
from collections.abc import Iterator, Set
from contextlib import suppress
from pathlib import Path
from typing import Final

from include.settings import Settings

MOST_BYTES: Final = 10 * 2**20
"""A log that is still being written keeps the newest half of this where it has become larger."""

_OF_A_TASK: Final = re.compile(r"dag_id=([^/]+)/run_id=([^/]+)/(.*/)?attempt=(\d+)\.log(\..*)?")

Runs = Set[tuple[str, str]]
"""DAG and run of those that Airflow still knows."""


def expire(settings: Settings, logs: Path, parsed: Path, kept: Runs, days: float) -> int:
    """Removes the files that are older than so many days, of runs that are not kept, then folders that are empty; gives
    how many. Of a run that is kept the newest attempt of each task stays, whatever its age, but no longer than
    MOST_BYTES.

    `logs`: Airflow's folder of logs; `parsed`: that of what its DAG processor reads. What somebody else removes
    meanwhile is no error. Raises OSError.
    """
    before = time.time() - 86_400 * days
    stay = set(newest_attempts(logs, kept))
    for file in stay:
        shorten(file, MOST_BYTES)
    removed = 0
    for folder in (logs, parsed, settings.state / "rejudge"):
        for file in _files(folder):
            if file not in stay and _is_older(file, before):
                file.unlink(missing_ok=True)
                _remove_empty(file.parent, folder)
                removed += 1
    return removed


def newest_attempts(logs: Path, kept: Runs) -> Iterator[Path]:
    """The file of the newest attempt of each task of these runs."""
    newest: dict[tuple[str, str, str], tuple[int, Path]] = {}
    for dag_id, run_id in kept:
        for file in _files(logs / f"dag_id={dag_id}" / f"run_id={run_id}"):
            found = _OF_A_TASK.fullmatch(file.relative_to(logs).as_posix())
            if found and not found[5]:
                task = (dag_id, run_id, found[3] or "")
                newest[task] = max(newest.get(task, (0, file)), (int(found[4]), file))
    yield from (file for _, file in newest.values())


def shorten(file: Path, most: int) -> None:
    """Leaves the newest half of `most` bytes, whole lines, of a file that has more; who appends to it goes on so.

    In place, as Airflow keeps it open; what is written in that very moment may be lost.
    """
    if file.stat().st_size <= most:
        return
    with file.open("rb+") as content:
        content.seek(-(most // 2), 2)
        newest = content.read()
        content.seek(0)
        content.write(newest[newest.find(b"\n") + 1 :])
        content.truncate()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()] if folder.exists() else []


def _is_older(path: Path, before: float) -> bool:
    with suppress(FileNotFoundError):
        return path.lstat().st_mtime < before
    return False


def _remove_empty(folder: Path, top: Path) -> None:
    """The folder and those above it, as far as they are empty; never that of a DAG, where new runs begin."""
    with suppress(OSError):  # not empty
        while folder != top and not folder.name.startswith("dag_id="):
            folder.rmdir()
            folder = folder.parent
