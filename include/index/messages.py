"""The messages of a batch: which of them can be documents, and in which parts they are sent. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from include.names import origin_of

CHUNK_MESSAGES: Final = 2000
CHUNK_BYTES: Final = 8 * 1024 * 1024


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


def sort(messages: Sequence[StatusMessage]) -> tuple[list[StatusMessage], list[Refused]]:
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


def parts(messages: list[StatusMessage], lanes: int) -> Iterator[list[StatusMessage]]:
    """Yields parts of at most CHUNK_MESSAGES and about CHUNK_BYTES; large batches have at least one part per lane."""
    most = min(CHUNK_MESSAGES, max(-(-len(messages) // lanes), CHUNK_MESSAGES // 4))
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
