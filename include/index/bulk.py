"""Status messages into the index: each is accepted, or refused for itself, or tried again for as long as it takes."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final, NamedTuple

from elasticsearch import ApiError, Elasticsearch, TransportError

from include.index.template import check_index, ensure_index
from include.names import INDEX, origin_of
from include.watch import search_trouble
from include.watch.troubles import Trouble, TroubleError, Troubles

LANES: Final = 2
"""Bulk requests at once: on 2 cores a second one is worth a quarter to three quarters more, a third nothing."""
CHUNK_MESSAGES: Final = 2000
CHUNK_BYTES: Final = 8 * 1024 * 1024
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 3.0
"""Seconds between two tries while Elasticsearch takes nothing."""

CHECK_SECONDS: Final = 10
"""How often it is looked whether the index is still ours: it may be deleted, and come back by another's template."""
BULK_TIMEOUT: Final = "20s"
"""So long the server waits for a shard that is not there, and then tells that; before the client gives up."""

_OF_THE_DOCUMENT: Final = frozenset(
    {"document_parsing_exception", "mapper_parsing_exception", "strict_dynamic_mapping_exception"}
)
_ITS_FAULT: Final = ("Malformed content", "Document contains at least one immense term")
"""How the reason begins where a document is refused by the type of error that a full shard has too."""

log = logging.getLogger(__name__)


class StatusMessage(NamedTuple):
    """A message of the status topic: where it is there, its key and its value as received."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None

    def origin(self) -> tuple[int, int] | None:
        """Partition and offset of its log, of the key; None when the key is no origin."""
        return origin_of(self.key)


class Refused(NamedTuple):
    """A message that can never be a document, and why."""

    message: StatusMessage
    reason: str


class StoppedError(Exception):
    """A stop was asked for while Elasticsearch took nothing: the messages are not written."""


class _Answer(NamedTuple):
    refused: list[Refused]
    again: list[StatusMessage]
    why: Trouble | None


class BulkWriter:
    """Writes to the index over two connections; the document's id is the message's key.

    One batch at a time and each key once in a batch, so the order of the verdicts of one log is kept.
    """

    def __init__(
        self,
        client: Elasticsearch,
        stop: threading.Event,
        troubles: Troubles | None = None,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        """`troubles` is told what Elasticsearch does not take documents for."""
        self._troubles = troubles or Troubles()
        self._client = client
        self._stop = stop
        self._first_pause = first_pause
        self._index_ensured = False
        self._check_at = 0.0
        self._pool = ThreadPoolExecutor(LANES, "bulk")

    def write(self, messages: Sequence[StatusMessage]) -> list[Refused]:
        """Return when every message is a document, or replaced by a later one of its key, or among the refused.

        Waits while Elasticsearch is away, full or busy, refuses, or has another index than ours under its name. Raises
        StoppedError when the stop is set meanwhile.
        """
        pending, refused = _sort(messages)
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
                pending = [each for answer in answers for each in answer.again]
                why = next((answer.why for answer in answers if answer.why), None)
            if why is None:
                self._troubles.clear("index")
            else:
                self._troubles.report("index", why)
                # It may come back empty: without its template it would guess the mapping.
                self._index_ensured = False
                if self._stop.wait(pause):
                    raise StoppedError
                pause = min(pause * 2, LONGEST_PAUSE)
        return refused

    def _send_all(self, messages: list[StatusMessage]) -> list[_Answer]:
        if not self._index_ensured:
            ensure_index(self._client)
            self._index_ensured, self._check_at = True, time.monotonic() + CHECK_SECONDS
        elif time.monotonic() >= self._check_at:
            check_index(self._client)
            self._check_at = time.monotonic() + CHECK_SECONDS
        sent = [self._pool.submit(self._send, chunk) for chunk in _chunks(messages)]
        # All of them, before an error of one is seen: no request may be under way while a later batch is sent.
        wait(sent)
        answers = [answer.result() for answer in sent]
        if any(answer.refused for answer in answers):
            # By an index that is not ours each document would be refused, and put aside.
            check_index(self._client)
        return answers

    def _send(self, chunk: list[StatusMessage]) -> _Answer:
        # The client's bulk helpers take the sources apart and together again: three times the time of its bulk call.
        operations: Any = [
            part
            for message in chunk
            for part in (b'{"index":{"_id":"%b"}}' % (message.key or b""), message.value or b"")
        ]
        answer = self._client.bulk(
            index=INDEX,
            operations=operations,
            filter_path="errors,items.*.status,items.*.error",
            timeout=BULK_TIMEOUT,
        )
        refused: list[Refused] = []
        again: list[StatusMessage] = []
        why: Trouble | None = None
        if answer["errors"]:
            for message, item in zip(chunk, answer["items"], strict=True):
                error = item["index"].get("error")
                if error is None:
                    continue
                reason = f"{error['type']}: {error['reason']}"
                if _is_of_the_document(error):
                    refused.append(Refused(message, reason))
                else:
                    again.append(message)
                    why = search_trouble.of_item(error["type"], error["reason"], item["index"]["status"])
        return _Answer(refused, again, why)


def _is_of_the_document(error: Mapping[str, str]) -> bool:
    """Whether another document could be taken: not when the index is closed, its shard full, its alias wrong."""
    if error["type"] == "illegal_argument_exception":
        return error["reason"].startswith(_ITS_FAULT)
    return error["type"] in _OF_THE_DOCUMENT


def _sort(messages: Sequence[StatusMessage]) -> tuple[list[StatusMessage], list[Refused]]:
    """The last message of each key, and those that cannot be lines of a bulk request. The server judges the rest."""
    last: dict[bytes, StatusMessage] = {}
    refused = []
    for message in messages:
        if message.key is None or origin_of(message.key) is None:
            refused.append(Refused(message, 'its key is no origin, "<partition>-<offset>"'))
        elif message.value is None:
            refused.append(Refused(message, "it has no value (tombstone)"))
        elif b"\n" in message.value:
            # A line break would make the rest of the value an action of its own.
            refused.append(Refused(message, "it is not one line"))
        else:
            last[message.key] = message
    return list(last.values()), refused


def _chunks(messages: list[StatusMessage]) -> Iterator[list[StatusMessage]]:
    """Parts of at most CHUNK_MESSAGES and about CHUNK_BYTES, one a lane where there is enough to share."""
    most = min(CHUNK_MESSAGES, max(-(-len(messages) // LANES), CHUNK_MESSAGES // 4))
    chunk: list[StatusMessage] = []
    size = 0
    for message in messages:
        length = len(message.value or b"")
        if chunk and (len(chunk) == most or size + length > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(message)
        size += length
    if chunk:
        yield chunk
