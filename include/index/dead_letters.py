"""The dead-letter file: status messages that Elasticsearch refused because of their content, with the reasons."""

import base64
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from include.index.messages import Refused
from include.settings import Settings

MOST_BYTES: Final = 256 * 2**20
"""Once the file has this size, letters lack `raw`. They count like others and are removed when their logs expire."""


class DeadLetters:
    """Appends JSON lines to the file: refused_at, reason, key, origin, status_partition, status_offset, raw.

    `raw` is the message as received, in base64. It is null for a tombstone and once the file has MOST_BYTES; the status
    topic still has the message. `origin` is null if the key is not an origin. A message that is read again after a
    crash is appended again.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._path = file
        with _locked(file), file.open("ab+") as letters:
            # A crash can leave a partial last line. Its offset was not committed, so the message is read again.
            letters.seek(0)
            letters.truncate(sum(len(line) for line in letters if line.endswith(b"\n")))

    def append(self, refused: Iterable[Refused]) -> None:
        """Appends the letters and syncs them to disk. Raises OSError."""
        # Opened each time: the file may have been moved away, or replaced by one without expired letters.
        with _locked(self._path), self._path.open("ab") as letters:
            has_room = letters.tell() < MOST_BYTES
            letters.writelines(_line(each, has_room) for each in refused)
            letters.flush()
            os.fsync(letters.fileno())


def expire(settings: Settings, expired: Mapping[int, int]) -> int:
    """Removes the letters of expired logs and duplicates; returns how many. Raises OSError.

    `expired`: the result of `hops.read_expired`.
    """
    file = settings.dead_letters
    if not file.exists():
        return 0
    with _locked(file):
        kept: dict[tuple[int, int], bytes] = {}
        count = 0
        for letter in _letters(settings):
            count += 1
            origin = letter["origin"]
            if not origin or origin["kafka_offset"] >= expired.get(origin["kafka_partition"], 0):
                kept[letter["status_partition"], letter["status_offset"]] = _dump(letter)
        if len(kept) < count:
            partial = file.with_suffix(".partial")
            with partial.open("wb") as letters:
                letters.writelines(kept.values())
                letters.flush()
                os.fsync(letters.fileno())
            partial.replace(file)
    return count - len(kept)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Locks the file between the process that appends and the one that expires."""
    with file.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _dump(letter: dict[str, Any]) -> bytes:
    return orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)


def _line(refused: Refused, has_room: bool) -> bytes:
    message = refused.message
    origin = message.origin()
    letter = {
        "refused_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "reason": refused.reason,
        "key": None if message.key is None else message.key.decode("utf-8", "backslashreplace"),
        "origin": origin and {"kafka_partition": origin[0], "kafka_offset": origin[1]},
        "status_partition": message.partition,
        "status_offset": message.offset,
        "raw": base64.b64encode(message.value).decode() if message.value is not None and has_room else None,
    }
    return _dump(letter)


def refused_count(settings: Settings) -> int:
    """Returns the number of distinct status messages in the dead-letter file; 0 if there is no file."""
    return len({(letter["status_partition"], letter["status_offset"]) for letter in _letters(settings)})


def refused_offsets(settings: Settings) -> dict[int, set[int]]:
    """Returns the offsets of the logs in the dead-letter file, by partition; empty if there is no file."""
    found: dict[int, set[int]] = {}
    for letter in _letters(settings):
        if origin := letter["origin"]:
            found.setdefault(origin["kafka_partition"], set()).add(origin["kafka_offset"])
    return found


def refusals(settings: Settings, key: str) -> list[str]:
    """Returns why Elasticsearch refused the status messages with this key, in order; empty if it refused none."""
    return [letter["reason"] for letter in _letters(settings) if letter["key"] == key]


def _letters(settings: Settings) -> Iterator[dict[str, Any]]:
    if settings.dead_letters.exists():
        with settings.dead_letters.open("rb") as lines:
            yield from (orjson.loads(line) for line in lines if line.endswith(b"\n"))
