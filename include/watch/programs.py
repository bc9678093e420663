"""When each program of the embedded stack was started last: the watchdog notes it in a file, for the metrics.

A program that is killed is up again within seconds, often between two scrapes: only its start shows what happened.
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FORGOTTEN_SECONDS: Final = 60
"""An older file says nothing: its writer is gone."""


@dataclass(frozen=True)
class Program:
    """Whether it runs, and when it was started, in seconds since 1970."""

    up: bool
    started_at: float


def write(file: Path, programs: Mapping[str, Program]) -> None:
    """Replaces the file, unless the disk refuses."""
    aside = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):  # for example a full disk, which other metrics tell
        aside.write_text(json.dumps({name: asdict(each) for name, each in programs.items()}), encoding="utf-8")
        aside.replace(file)


def read(file: Path) -> dict[str, Program]:
    """The programs by name; none if nobody writes the file."""
    try:
        age = time.time() - file.stat().st_mtime
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: Program(**each) for name, each in content.items()} if abs(age) <= FORGOTTEN_SECONDS else {}
