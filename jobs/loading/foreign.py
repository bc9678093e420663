"""Foreign messages: messages of the status topic that are not verdicts. They are set aside with the reason.

They are not loaded, and they block nothing. Foreign is every message without a mark (include/topics/marks.py), whatever
its content, and every marked message that is not a verdict.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from confluent_kafka import Message
from mysql.connector.abstracts import MySQLCursorAbstract

from include import names
from include.topics import marks
from jobs.driver.contracts import OtherContractError
from jobs.loading import layout, verdicts
from jobs.loading.corrections import SENT_AS
from jobs.loading.counts import SENT_AT

UNMARKED: Final = f"it has neither the header {names.JUDGED} nor {names.REJUDGED}: not from classify or rejudge_logs"

_VERSION: Final = re.compile(rb',"contract_version":(\d{1,9})[,}]')
_HEAD: Final = 1024
_KEY: Final = 100
_REASON: Final = 300
_SET_ASIDE: Final = (
    f"REPLACE INTO {names.LOGS_DATABASE}.{names.FOREIGN_TABLE}"
    " (kafka_partition, status_offset, reason, message_key, head, size, found_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(3))"
)


class Foreign(NamedTuple):
    """A message that is not a verdict, with the reason and the beginnings of its key and value."""

    offset: int
    reason: str
    key: bytes | None
    head: bytes | None
    size: int | None


@dataclass(frozen=True)
class Batch:
    """The messages of one status partition up to the offset `last`.

    `marked`: the input of `verdicts.parse`, and SENT_AT. `causes`: why the verdicts that are not the stream's were
    given, by their offset; see `marks.cause`.
    """

    partition: int
    last: int
    marked: pa.RecordBatch
    foreign: list[Foreign] = field(default_factory=list)
    causes: dict[int, str | None] = field(default_factory=dict)


def batch(partition: int, messages: Sequence[Message], end: int) -> Batch:
    """A batch of the messages, in their order; there must be no other message before the offset `end`."""
    last = end - 1
    if (are_verdicts := marks.are_verdicts(messages)) is None:
        return Batch(partition, last, _lines(partition, messages))
    foreign = [_foreign(message, UNMARKED) for message, ours in zip(messages, are_verdicts, strict=True) if not ours]
    marked = list(compress(messages, are_verdicts))
    causes = {message.offset() or 0: marks.cause(message) for message in marked if marks.is_correction(message)}
    return Batch(partition, last, _lines(partition, marked), foreign, causes)


def parse(given: Batch, *, strictly: bool = False) -> tuple[pa.Table | None, list[Foreign]]:
    """Returns the rows (see `verdicts.parse`; SENT_AT, SENT_AS; None if there are none), and the foreign messages.

    `strictly`: verdicts that the tables would not store unchanged are foreign too.
    """
    foreign = list(given.foreign)
    found = _parse(given.marked, foreign, strictly)
    return pa.concat_tables(found) if found else None, foreign


def set_aside(cursor: MySQLCursorAbstract, partition: int, foreign: Sequence[Foreign]) -> None:
    """Writes the foreign messages to their table; the caller commits."""
    cursor.executemany(_SET_ASIDE, [(partition, *each) for each in foreign])


def _parse(messages: pa.RecordBatch, foreign: list[Foreign], strictly: bool) -> list[pa.Table]:
    """Parses by halving, down to the messages that cannot be parsed; these are added to `foreign`."""
    if not messages.num_rows:
        return []
    try:
        rows = verdicts.parse(messages)
        if strictly:
            verdicts.check_values(rows)
        return [rows.append_column(SENT_AT, messages[SENT_AT]).append_column(SENT_AS, messages["offset"])]
    except verdicts.NotAVerdictError as error:
        if messages.num_rows == 1:
            value: Any = messages["value"][0].as_py()[:-1]
            _check_version(value)
            reason = f"not a verdict: {error}"[:_REASON]
            foreign.append(Foreign(messages["offset"][0].as_py(), reason, None, value[:_HEAD], len(value)))
            return []
    half = messages.num_rows // 2
    return [*_parse(messages.slice(0, half), foreign, strictly), *_parse(messages.slice(half), foreign, strictly)]


def _check_version(value: bytes) -> None:
    """Raises OtherContractError if it is a verdict by a later contract, which the next driver can read."""
    known = layout.current().contract.version
    if (found := _VERSION.search(value)) and int(found[1]) > known:
        raise OtherContractError(
            f"there are verdicts by version {int(found[1])} of the contract, this driver reads {known}"
        )


def _foreign(message: Message, reason: str) -> Foreign:
    key, value = message.key(), message.value()
    head, size = (None, None) if value is None else (bytes(value[:_HEAD]), len(value))
    return Foreign(message.offset() or 0, reason, key and bytes(key[:_KEY]), head, size)


def _lines(partition: int, messages: Sequence[Message]) -> pa.RecordBatch:
    count = len(messages)
    values = [value or b"" for value in map(Message.value, messages)]
    # Joining all lines at once takes half the time of building them one by one.
    ends = np.cumsum(np.fromiter(map(len, values), np.int32, count) + 1, dtype=np.int32)
    bounds, lines = pa.py_buffer(np.insert(ends, 0, 0)), pa.py_buffer(b"\n".join([*values, b""]))
    return pa.record_batch(
        {
            "partition": pa.repeat(pa.scalar(partition, pa.int32()), count),
            "offset": pa.array(np.fromiter(map(Message.offset, messages), np.int64, count)),
            # The broker's clock: see include/topics/configs.py.
            SENT_AT: pa.array(np.fromiter(map(itemgetter(1), map(Message.timestamp, messages)), np.int64, count)),
            "value": pa.Array.from_buffers(pa.binary(), count, [None, bounds, lines]),
        }
    )
