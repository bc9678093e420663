"""The dead-letter file: status messages that Elasticsearch refused for themselves, kept with the reason."""

import base64
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from include.bulk import Refused
from include.settings import Settings


class DeadLetters:
    """Appends to the file a JSON object a line: refused_at, reason, key, origin, status_partition, status_offset, raw.

    `raw` is the message as received, base64, null for a tombstone; `origin` is null where the key is none. A message
    that is read again after a crash is appended again.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("ab+")
        # A crash can leave a torn last line. Its offset was never committed: the message comes again.
        self._file.seek(0)
        whole = sum(len(line) for line in self._file if line.endswith(b"\n"))
        self._file.truncate(whole)

    def append(self, refused: Iterable[Refused]) -> None:
        """On disk when this returns. Raises OSError."""
        self._file.writelines(_line(each) for each in refused)
        self._file.flush()
        os.fsync(self._file.fileno())


def _line(refused: Refused) -> bytes:
    message = refused.message
    origin = message.origin()
    letter = {
        "refused_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "reason": refused.reason,
        "key": None if message.key is None else message.key.decode("utf-8", "backslashreplace"),
        "origin": origin and {"kafka_partition": origin[0], "kafka_offset": origin[1]},
        "status_partition": message.partition,
        "status_offset": message.offset,
        "raw": None if message.value is None else base64.b64encode(message.value).decode(),
    }
    return orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)


def refused_count(settings: Settings) -> int:
    """Status messages in the dead-letter file, those appended twice counted once; 0 when there is no file."""
    return len({(letter["status_partition"], letter["status_offset"]) for letter in _letters(settings)})


def refused_offsets(settings: Settings) -> dict[int, set[int]]:
    """Offsets, by partition, of the logs whose documents are in the dead-letter file; empty when there is no file."""
    found: dict[int, set[int]] = {}
    for letter in _letters(settings):
        if origin := letter["origin"]:
            found.setdefault(origin["kafka_partition"], set()).add(origin["kafka_offset"])
    return found


def refusals(settings: Settings, key: str) -> list[str]:
    """Why Elasticsearch refused the status messages of one origin, in order; empty when it refused none."""
    return [letter["reason"] for letter in _letters(settings) if letter["key"] == key]


def _letters(settings: Settings) -> Iterator[dict[str, Any]]:
    if settings.dead_letters.exists():
        with settings.dead_letters.open("rb") as lines:
            yield from (orjson.loads(line) for line in lines if line.endswith(b"\n"))
