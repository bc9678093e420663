"""Writes status messages to the indices: each is accepted, refused because of its content, or retried indefinitely."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from elasticsearch import ApiError, Elasticsearch, TransportError

from include.contract import reading
from include.index import template
from include.index.days import day_of, index_of
from include.index.messages import Refused, StatusMessage, parts, sort
from include.index.template import Shape
from include.names import ODD_INDEX
from include.watch import search_trouble
from include.watch.troubles import Trouble, TroubleError, Troubles

LANES: Final = 2
"""Concurrent bulk requests. On 2 cores a second one adds 25 to 75 % of throughput, a third one nothing."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 3.0
"""Longest pause in seconds between two tries while Elasticsearch accepts nothing."""

CHECK_SECONDS: Final = 10
"""Seconds between checks of the indices: one may be deleted and recreated from another program's template."""
BULK_TIMEOUT: Final = "20s"
"""How long the server waits for a missing shard before it reports an error; shorter than the client's timeout."""

_OF_THE_DOCUMENT: Final = frozenset(
    {"document_parsing_exception", "mapper_parsing_exception", "strict_dynamic_mapping_exception"}
)
_ITS_FAULT: Final = ("Malformed content", "Document contains at least one immense term")
"""Beginnings of the reason if a document itself is at fault. A full shard causes the same type of error."""
_LATER_THERE: Final = "version_conflict_engine_exception"
"""The index has the document of a later verdict: another indexer wrote it, or this one before a restart."""
ACTIONS: Final = {
    "index": b'{"index":{"_id":"%b","version":%d,"version_type":"external_gte"}}',
    "delete": b'{"delete":{"_id":"%b","version":%d,"version_type":"external_gte"}}',
}
"""The version is the verdict's offset in its status partition: the last verdict wins, whoever writes it when."""

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """A stop was requested while Elasticsearch accepted nothing: the messages are not written."""


class _Chunk(NamedTuple):
    name: str
    action: Literal["index", "delete"]
    messages: list[StatusMessage]


class _Answer(NamedTuple):
    refused: list[Refused]
    again: list[StatusMessage]
    why: Trouble | None


class BulkWriter:
    """Writes to the indices over LANES connections. A document's id is the key of its message.

    Several may write at once, and one whose partitions another has taken over may still write: the last verdict wins.
    """

    def __init__(
        self,
        client: Elasticsearch,
        stop: threading.Event,
        troubles: Troubles | None = None,
        first_pause: float = FIRST_PAUSE,
        shape: Shape = template.ONE_SHARD,
    ) -> None:
        """`troubles` records why Elasticsearch does not accept documents; `shape` is that of new indices."""
        self._troubles = troubles or Troubles()
        self._client = client
        self._stop = stop
        self._first_pause = first_pause
        self._shape = shape
        self._ensured = False
        self._look_at = 0.0
        self._there: set[str] = set()
        self._prepared: set[str] = set()
        self._odd_holds = False
        self._pool = ThreadPoolExecutor(LANES, "bulk")

    def write(self, messages: Sequence[StatusMessage]) -> list[Refused]:
        """Returns the refused messages once every other one is a document or replaced by a later message of its key.

        Retries while Elasticsearch is down, full or busy, refuses requests, or has another index instead of one.
        Raises StoppedError if the stop is set meanwhile.
        """
        pending, refused = sort(messages)
        pause = self._first_pause
        while pending:
            why: Trouble | None
            try:
                answers = self._send_all(pending)
            except TroubleError as error:
                why = error.trouble
            except (ApiError, TransportError) as error:
                why = search_trouble.of(error)
            else:
                refused += [each for answer in answers for each in answer.refused]
                pending = list(dict.fromkeys(each for answer in answers for each in answer.again))
                why = next((answer.why for answer in answers if answer.why), None)
            if why is None:
                self._troubles.clear("index")
            else:
                self._troubles.report("index", why)
                # Elasticsearch may recover without any data: without the template it would guess the mapping.
                self._ensured = False
                if self._stop.wait(pause):
                    raise StoppedError
                pause = min(pause * 2, LONGEST_PAUSE)
        return refused

    def _send_all(self, messages: list[StatusMessage]) -> list[_Answer]:
        self._look()
        chunks = self._chunks(messages)
        for name in {chunk.name for chunk in chunks} - self._prepared:
            template.prepare(self._client, name, self._shape)
            self._prepared.add(name)
            self._there.add(name)
        sent = [self._pool.submit(self._send, chunk) for chunk in chunks]
        # Wait for all before raising an error of one: no request may be in flight while a later batch is sent.
        wait(sent)
        answers = [answer.result() for answer in sent]
        for name in {chunk.name for chunk, answer in zip(chunks, answers, strict=True) if answer.refused}:
            # An index with another mapping would refuse every document, and all of them would become dead letters.
            template.prepare(self._client, name, self._shape)
        return answers

    def _look(self) -> None:
        """Ensures the template at first and after a trouble; every CHECK_SECONDS has each index prepared again."""
        if not self._ensured:
            template.ensure(self._client, self._shape)
        elif time.monotonic() < self._look_at:
            return
        reading.follow()
        self._there = set(template.names(self._client))
        self._prepared = set()
        self._client.indices.refresh(index=ODD_INDEX)
        self._odd_holds = self._client.count(index=ODD_INDEX)["count"] > 0
        self._ensured, self._look_at = True, time.monotonic() + CHECK_SECONDS

    def _chunks(self, messages: list[StatusMessage]) -> list[_Chunk]:
        by_day: dict[bytes, list[StatusMessage]] = {}
        for message in messages:
            by_day.setdefault(day_of(message.value or b""), []).append(message)
        today = datetime.now(UTC).date()
        found: list[_Chunk] = []
        for day, some in by_day.items():
            index = index_of(day, today, self._there)
            found += [_Chunk(index, "index", part) for part in parts(some, LANES)]
            self._odd_holds |= index == ODD_INDEX
            if self._odd_holds and index != ODD_INDEX:
                # The log's day may have been far ahead when its earlier verdict was indexed.
                found += [_Chunk(ODD_INDEX, "delete", part) for part in parts(some, LANES)]
        return found

    def _send(self, chunk: _Chunk) -> _Answer:
        # The client's bulk helpers parse and serialize every source, which takes three times as long as this call.
        line = ACTIONS[chunk.action]
        operations: Any = [line % (message.key, message.offset) for message in chunk.messages]
        if chunk.action == "index":
            values = [message.value for message in chunk.messages]
            operations = [part for pair in zip(operations, values, strict=True) for part in pair]
        answer = self._client.bulk(
            index=chunk.name,
            operations=operations,
            filter_path="errors,items.*.status,items.*.error",
            timeout=BULK_TIMEOUT,
        )
        refused: list[Refused] = []
        again: list[StatusMessage] = []
        why: Trouble | None = None
        if answer["errors"]:
            for message, item in zip(chunk.messages, answer["items"], strict=True):
                error = item[chunk.action].get("error")
                if error is None or error["type"] == _LATER_THERE:
                    continue
                reason = f"{error['type']}: {error['reason']}"
                if _is_of_the_document(error):
                    refused.append(Refused(message, reason))
                else:
                    again.append(message)
                    why = search_trouble.of_item(error["type"], error["reason"], item[chunk.action]["status"])
        return _Answer(refused, again, why)


def _is_of_the_document(error: Mapping[str, str]) -> bool:
    """Whether the document caused the error, not the index, which may be closed, have a full shard or a wrong alias."""
    if error["type"] == "illegal_argument_exception":
        return error["reason"].startswith(_ITS_FAULT)
    return error["type"] in _OF_THE_DOCUMENT
