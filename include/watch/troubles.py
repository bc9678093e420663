"""Troubles that block a part of the stream: each part reports its own in a file for `status`, the page and watch_logs.

The files are in the state folder, because usually a server is the cause. A blocked part retries and reports at every
try: a trouble not reported for FORGOTTEN_SECONDS is over, or its reporter is dead.
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
        "start": "The driver cannot start",
        "lease": "The driver judges, but cannot renew its lease",
        "users": "The users history cannot be updated, so its last version is used",
        "classify": "classify waits",
        "load": "Verdicts wait to be loaded",
        "index": "Verdicts wait to be indexed",
    }
)
"""Parts that report troubles, and what a trouble of each means."""


@dataclass(frozen=True)
class Trouble:
    """Why something does not work, on one line, and what to do."""

    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.sentence}. {self.remedy}"


@dataclass(frozen=True)
class Standing(Trouble):
    """A trouble as read from its file: the sentence begins with what waits; `seconds` is for how long."""

    seconds: int


class TroubleError(RuntimeError):
    """A server state found by a check instead of an error from the server."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


class Troubles:
    """The troubles of one program. Its log gets one line per change, however often a part reports the same."""

    def __init__(self, folder: Path | None = None, log: logging.Logger | None = None) -> None:
        """Without a folder, troubles are only logged."""
        self._folder, self._log = folder, log or logging.getLogger("logsieve.troubles")
        self._lock = threading.Lock()
        self._reported: dict[str, tuple[Trouble, float, float]] = {}

    def report(self, part: str, trouble: Trouble) -> None:
        """Records that a part (one of WAITS) is blocked; call it at each try, from any thread."""
        now = time.monotonic()
        with self._lock:
            last, begun, reported_at = self._reported.get(part, (None, now, now))
            if now - reported_at > FORGOTTEN_SECONDS:
                last, begun = None, now
            self._reported[part] = (trouble, begun, now)
            if last != trouble:
                self._log.warning("%s: %s", WAITS[part], trouble)
            self._write(part, asdict(trouble) | {"seconds": int(now - begun)})

    def clear(self, part: str) -> None:
        """Records that the part works; costs nothing if it was never blocked."""
        if part not in self._reported:
            return
        with self._lock:
            if self._reported.pop(part, None):
                self._log.info("%s: no longer", WAITS[part])
                if self._folder:
                    with suppress(OSError):
                        _file(self._folder, part).unlink(missing_ok=True)

    def clear_all(self) -> None:
        """Clears all parts, for an orderly exit."""
        for part in list(self._reported):
            self.clear(part)

    def _write(self, part: str, content: Mapping[str, object]) -> None:
        if self._folder is None:
            return
        file = _file(self._folder, part)
        aside = file.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(content), encoding="utf-8")
            aside.replace(file)
        except OSError as error:  # for example a full disk: the trouble is in the log
            self._log.debug("%s cannot be written: %s", file, error)


def read(folder: Path) -> dict[str, Standing]:
    """Current troubles by part; each sentence begins with what waits."""
    found = {}
    for part, waits in WAITS.items():
        try:
            file = _file(folder, part)
            age = time.time() - file.stat().st_mtime
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        # A file from the future means that the clock was set back: a current trouble is reported again within seconds.
        if abs(age) <= FORGOTTEN_SECONDS:
            found[part] = Standing(f"{waits}: {content['sentence']}", content["remedy"], content["seconds"])
    return found


def _file(folder: Path, part: str) -> Path:
    return folder / f"{part}.json"
