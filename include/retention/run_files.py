"""Removes old files of Airflow's runs. Runs that are still active keep theirs.

Airflow's task logs are `dag_id=…/run_id=…/task_id=…/attempt=N.log`; the DAG processor has one folder of logs per day.
"""

import re
import time
from collections.abc import Iterator, Set
from contextlib import suppress
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 10 * 2**20
"""A task log in use that has grown larger than this is cut to the newest half of this size."""

_OF_A_TASK: Final = re.compile(r"dag_id=([^/]+)/run_id=([^/]+)/(.*/)?attempt=(\d+)\.log(\..*)?")

Runs = Set[tuple[str, str]]
"""DAG id and run id of the runs that Airflow still has."""


def expire(logs: Path, parsed: Path, kept: Runs, days: float) -> int:
    """Removes files that are older than `days` days, then empty folders; returns the number of files.

    The log of the newest attempt of each task in a `kept` run stays at any age, but is cut if it exceeds MOST_BYTES.
    `logs`: the folder of Airflow's task logs; `parsed`: the folder of the DAG processor's logs. Files that another
    process removes meanwhile are ignored. Raises OSError.
    """
    before = time.time() - 86_400 * days
    stay = set(newest_attempts(logs, kept))
    for file in stay:
        shorten(file, MOST_BYTES)
    removed = 0
    for folder in (logs, parsed):
        for file in _files(folder):
            if file not in stay and _is_older(file, before):
                file.unlink(missing_ok=True)
                _remove_empty(file.parent, folder)
                removed += 1
    return removed


def newest_attempts(logs: Path, kept: Runs) -> Iterator[Path]:
    """Yields the log of the newest attempt of each task in these runs."""
    newest: dict[tuple[str, str, str], tuple[int, Path]] = {}
    for dag_id, run_id in kept:
        for file in _files(logs / f"dag_id={dag_id}" / f"run_id={run_id}"):
            found = _OF_A_TASK.fullmatch(file.relative_to(logs).as_posix())
            if found and not found[5]:
                task = (dag_id, run_id, found[3] or "")
                newest[task] = max(newest.get(task, (0, file)), (int(found[4]), file))
    yield from (file for _, file in newest.values())


def shorten(file: Path, most: int) -> None:
    """Cuts a file larger than `most` bytes to whole lines in its newest `most` / 2 bytes. Writers can keep appending.

    This happens in place, since Airflow keeps the file open. Lines written at the same moment may be lost.
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
    """Removes the folder and its parents while they are empty, but not a DAG's folder, where new runs start."""
    with suppress(OSError):  # not empty
        while folder != top and not folder.name.startswith("dag_id="):
            folder.rmdir()
            folder = folder.parent
