"""A staged partition of a topic that counts how many messages a consumer reads."""

from collections.abc import Sequence


class StagedMessage:
    def __init__(self, offset: int, key: bytes, rejudged: bool) -> None:
        self._offset, self._key, self._rejudged = offset, key, rejudged

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes:
        return self._key

    def value(self) -> bytes:
        return b'{"status": "good"}'

    def headers(self) -> list[tuple[str, bytes]] | None:
        return [("rejudged", b"1")] if self._rejudged else [("judged", b"1")]

    def error(self) -> None:
        return None


class StagedConsumer:
    """Returns the messages from `first` on. Keys that start with an exclamation mark are corrections; an empty key is a
    transaction marker."""

    def __init__(self, keys: Sequence[str], first: int = 0) -> None:
        self._messages = [
            StagedMessage(first + number, key.removeprefix("!").encode(), key.startswith("!")) if key else None
            for number, key in enumerate(keys)
        ]
        self._first, self._next, self.reads = first, 0, 0

    def get_watermark_offsets(self, _partition: object, timeout: float) -> tuple[int, int]:
        return self._first, self._first + len(self._messages)

    def assign(self, partitions: Sequence[object]) -> None:
        self._next = partitions[0].offset - self._first  # type: ignore[attr-defined]

    def poll(self, _timeout: float) -> StagedMessage | None:
        """Returns the next message; None after the end, where a real consumer times out."""
        self.reads += 1
        while self._next < len(self._messages):
            self._next += 1
            if found := self._messages[self._next - 1]:
                return found
        return None
