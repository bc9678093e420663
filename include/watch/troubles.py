"""What keeps a part of the stream from its work: told in a file by the part, read by `status`, the page, watch_logs.

A file in the state folder, as mostly a server refuses what it is asked. A part that waits tries again, and tells again
each time: what was not told for FORGOTTEN_SECONDS is over, or who told it is dead.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

FORGOTTEN_SECONDS: Final = 90
"""Longer than the longest wait for one answer."""

WAITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "start": "The driver cannot begin",
        "lease": "The driver judges, but cannot renew its lease",
        "users": "The users history cannot be followed, and the last version counts",
        "classify": "classify waits",
        "load": "Verdicts wait to be loaded",
        "index": "Verdicts wait to be indexed",
    }
)
"""The parts that may tell, and what it means when one does."""


@dataclass(frozen=True)
class Trouble:
    """Why something does not work, as one line for people, and what to do."""

    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.sentence}. {self.remedy}"


@dataclass(frozen=True)
class Standing(Trouble):
    """A trouble as others read it: the sentence says what waits, too; for how many seconds."""

    seconds: int


class TroubleError(RuntimeError):
    """A server's state that was found by looking, not by an error of its own."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


class Troubles:
    """Those of one program. Its log gets a line for each change, however often a part tells the same."""

    def __init__(self, folder: Path | None = None, log: logging.Logger | None = None) -> None:
        """Without a folder they are in the log alone."""
        self._folder, self._log = folder, log or logging.getLogger("logsieve.troubles")
        self._lock = threading.Lock()
        self._told: dict[str, tuple[Trouble, float, float]] = {}

    def tell(self, part: str, trouble: Trouble) -> None:
        """Says that the part (one of WAITS) waits; at each try, and from any thread."""
        now = time.monotonic()
        with self._lock:
            last, begun, told_at = self._told.get(part, (None, now, now))
            if now - told_at > FORGOTTEN_SECONDS:
                last, begun = None, now
            self._told[part] = (trouble, begun, now)
            if last != trouble:
                self._log.warning("%s: %s", WAITS[part], trouble)
            self._write(part, asdict(trouble) | {"seconds": int(now - begun)})

    def clear(self, part: str) -> None:
        """Says that the part works; costs nothing where it has always done so."""
        if part not in self._told:
            return
        with self._lock:
            if self._told.pop(part, None):
                self._log.info("%s: no longer", WAITS[part])
                if self._folder:
                    with suppress(OSError):
                        _file(self._folder, part).unlink(missing_ok=True)

    def clear_all(self) -> None:
        """At an orderly end."""
        for part in list(self._told):
            self.clear(part)

    def _write(self, part: str, told: Mapping[str, object]) -> None:
        if self._folder is None:
            return
        file = _file(self._folder, part)
        aside = file.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(told), encoding="utf-8")
            aside.replace(file)
        except OSError as error:  # as with a full disk: the log has it
            self._log.debug("%s cannot be written: %s", file, error)


def read(folder: Path) -> dict[str, Standing]:
    """By part, what stands now; the sentence begins with what waits."""
    found = {}
    for part, waits in WAITS.items():
        try:
            file = _file(folder, part)
            age = time.time() - file.stat().st_mtime
            told = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        # Of a file from the future the clock was set back since: it is told again within seconds, if it still stands.
        if abs(age) <= FORGOTTEN_SECONDS:
            found[part] = Standing(f"{waits}: {told['sentence']}", told["remedy"], told["seconds"])
    return found


def _file(folder: Path, part: str) -> Path:
    return folder / f"{part}.json"
