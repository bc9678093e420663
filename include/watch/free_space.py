"""Free disk space for the state, watched by `watch_logs`, `./logsieve status` and the page before a server fails."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from include.retention.disk_bounds import GIB
from include.settings import Settings
from include.watch.health import Verdict

LOG_BYTES: Final = 950
"""Disk space of one generated log over all hops (docs/operations.md#the-disk)."""
REMEDY: Final = "Free some there or let logs expire sooner: LOGSIEVE_DISK_GIB, docs/operations.md#the-disk"


@dataclass(frozen=True)
class Space:
    """Bytes free on the disk of a folder."""

    folder: Path
    free: int


def read(settings: Settings) -> list[Space]:
    """One folder for each disk that holds data of this stack; folders that do not exist yet are skipped."""
    found: dict[int, Space] = {}
    for folder in (settings.state, settings.outside):
        try:
            device = folder.stat().st_dev
        except OSError:
            continue
        found.setdefault(device, Space(folder, shutil.disk_usage(folder).free))
    return list(found.values())


def assess(spaces: Iterable[Space], free_gib: float, logs_a_second: float | None = None) -> list[Verdict]:
    """Whether each disk has `free_gib` free. `logs_a_second`: adds how long the space will last. Pure."""
    return [_assess(space, free_gib, logs_a_second) for space in spaces]


def short(settings: Settings) -> str:
    """The disks that are short of space, with the remedy; empty if none is."""
    wrong = [verdict.sentence for verdict in assess(read(settings), settings.free_gib) if not verdict.ok]
    return "; ".join(wrong)


def _assess(space: Space, free_gib: float, logs_a_second: float | None) -> Verdict:
    free = f"{space.free / GIB:,.1f} GiB are free at {space.folder}"
    if space.free >= free_gib * GIB:
        return Verdict(True, free)
    lasts = ""
    if logs_a_second:
        hours = space.free / (logs_a_second * LOG_BYTES) / 3600
        lasts = f", which {logs_a_second:,.0f} logs a second fill in {hours:,.1f} h if none expire"
    return Verdict(False, f"{free}, less than {free_gib:g}{lasts}. {REMEDY}")
