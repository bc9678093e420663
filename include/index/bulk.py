"""Writes status messages to the index: each is accepted, refused because of its content, or retried indefinitely."""

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
"""Concurrent bulk requests. On 2 cores a second one adds 25 to 75 % of throughput, a third one nothing."""
CHUNK_MESSAGES: Final = 2000
CHUNK_BYTES: Final = 8 * 1024 * 1024
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 3.0
"""Longest pause in seconds between two tries while Elasticsearch accepts nothing."""

CHECK_SECONDS: Final = 10
"""Seconds between checks of the index: it may be deleted and recreated from another program's template."""
BULK_TIMEOUT: Final = "20s"
"""How long the server waits for a missing shard before it reports an error; shorter than the client's timeout."""

_OF_THE_DOCUMENT: Final = frozenset(
    {"document_parsing_exception", "mapper_parsing_exception", "strict_dynamic_mapping_exception"}
)
_ITS_FAULT: Final = ("Malformed content", "Document contains at least one immense term")
"""Beginnings of the reason if a document itself is at fault. A full shard causes the same type of error."""

log = logging.getLogger(__name__)


class StatusMessage(NamedTuple):
    """A message of the status topic: its partition and offset there, and its key and value as received."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None

    def origin(self) -> tuple[int, int] | None:
        """Returns partition and offset of its log, from the key; None if the key is not an origin."""
        return origin_of(self.key)


class Refused(NamedTuple):
    """A message that can never become a document, and the reason."""

    message: StatusMessage
    reason: str


class StoppedError(Exception):
    """A stop was requested while Elasticsearch accepted nothing: the messages are not written."""


class _Answer(NamedTuple):
    refused: list[Refused]
    again: list[StatusMessage]
    why: Trouble | None


class BulkWriter:
    """Writes to the index over LANES connections. A document's id is the key of its message.

    It writes one batch at a time and each key once in a batch, so the verdicts of a log stay in order.
    """

    def __init__(
        self,
        client: Elasticsearch,
        stop: threading.Event,
        troubles: Troubles | None = None,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        """`troubles` records why Elasticsearch does not accept documents."""
        self._troubles = troubles or Troubles()
        self._client = client
        self._stop = stop
        self._first_pause = first_pause
        self._index_ensured = False
        self._check_at = 0.0
        self._pool = ThreadPoolExecutor(LANES, "bulk")

    def write(self, messages: Sequence[StatusMessage]) -> list[Refused]:
        """Returns the refused messages once every other one is a document or replaced by a later message of its key.

        Retries while Elasticsearch is down, full or busy, refuses requests, or has a different index under this name.
        Raises StoppedError if the stop is set meanwhile.
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
                # Elasticsearch may recover without any data: without the template it would guess the mapping.
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
        # Wait for all before raising an error of one: no request may be in flight while a later batch is sent.
        wait(sent)
        answers = [answer.result() for answer in sent]
        if any(answer.refused for answer in answers):
            # An index with another mapping would refuse every document, and all of them would become dead letters.
            check_index(self._client)
        return answers

    def _send(self, chunk: list[StatusMessage]) -> _Answer:
        # The client's bulk helpers parse and serialize every source, which takes three times as long as this call.
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
    """Whether the document caused the error, not the index, which may be closed, have a full shard or a wrong alias."""
    if error["type"] == "illegal_argument_exception":
        return error["reason"].startswith(_ITS_FAULT)
    return error["type"] in _OF_THE_DOCUMENT


def _sort(messages: Sequence[StatusMessage]) -> tuple[list[StatusMessage], list[Refused]]:
    """Returns the last message of each key, and the messages that cannot be lines of a bulk request."""
    last: dict[bytes, StatusMessage] = {}
    refused = []
    for message in messages:
        if message.key is None or origin_of(message.key) is None:
            refused.append(Refused(message, 'its key is not an origin ("<partition>-<offset>")'))
        elif message.value is None:
            refused.append(Refused(message, "it has no value (tombstone)"))
        elif b"\n" in message.value:
            # Elasticsearch would read what follows the line break as another action.
            refused.append(Refused(message, "its value has a line break"))
        else:
            last[message.key] = message
    return list(last.values()), refused


def _chunks(messages: list[StatusMessage]) -> Iterator[list[StatusMessage]]:
    """Yields parts of at most CHUNK_MESSAGES and about CHUNK_BYTES; large batches have at least one part per lane."""
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
