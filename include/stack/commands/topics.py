"""Implements `./logsieve topics` and `./logsieve tail`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaError, KafkaException, TopicPartition
from rich.console import Console

from include.names import INDEXER_GROUP
from include.printable import printable
from include.stack import tables
from include.stack.errors import StackError
from include.stack.own_servers import Servers

SECONDS = 10
BATCH = 500
_LONGEST = 1024 * 1024
"""Bytes of a value that are printed: enough for a complete verdict."""


@dataclass(frozen=True)
class PartitionRow:
    """One partition: the oldest retained offset, and the offset of the next message."""

    topic: str
    partition: int
    first: int
    next: int


def _no_answer(error: KafkaException) -> StackError:
    return StackError(
        f"Kafka does not answer: {error.args[0].str()}",
        "Check ./logsieve status; ./logsieve up starts the embedded one.",
    )


def list_topics(env: Servers) -> list[PartitionRow]:
    """Every partition of every topic except Kafka's internal ones. Raises StackError if Kafka does not answer."""
    with env.outside.looking(INDEXER_GROUP) as consumer:
        try:
            return [
                PartitionRow(
                    name, number, *consumer.get_watermark_offsets(TopicPartition(name, number), timeout=SECONDS)
                )
                for name, topic in sorted(consumer.list_topics(timeout=SECONDS).topics.items())
                if not name.startswith("__")
                for number in sorted(topic.partitions)
            ]
        except KafkaException as error:
            raise _no_answer(error) from error


def show(console: Console, found: list[PartitionRow]) -> None:
    """Prints the partitions as a table."""
    table = tables.new("topic", "partition", "first offset", "next offset", "messages")
    for row in found:
        table.add_row(row.topic, str(row.partition), f"{row.first:,}", f"{row.next:,}", f"{row.next - row.first:,}")
    console.print(table)


def messages(env: Servers, topic: str, *, from_beginning: bool, status: str | None, count: int | None) -> Iterator[str]:
    """Yields lines `partition-offset key value` until Ctrl-C. Raises StackError if Kafka or the topic is missing."""
    with env.outside.looking(INDEXER_GROUP) as consumer:
        try:
            known = consumer.list_topics(timeout=SECONDS).topics
        except KafkaException as error:
            raise _no_answer(error) from error
        if topic not in known:
            names = ", ".join(sorted(name for name in known if not name.startswith("__"))) or "none yet"
            raise StackError(f"There is no topic {topic!r}.", f"Choose one of: {names}.")
        begin = OFFSET_BEGINNING if from_beginning else OFFSET_END
        consumer.assign([TopicPartition(topic, number, begin) for number in known[topic].partitions])
        try:
            while count is None or count > 0:
                for message in consumer.consume(min(count or BATCH, BATCH), timeout=0.5):
                    if failure := message.error():
                        if failure.code() == KafkaError._PARTITION_EOF:
                            continue
                        raise StackError(f"Kafka: {failure.str()}", "Check ./logsieve status")
                    if status is None or _status_of(message.value()) == status:
                        yield _line(message)
                        count = count - 1 if count else None
                        if count == 0:
                            return
        except KeyboardInterrupt:
            return


def _status_of(value: bytes | None) -> str | None:
    try:
        found: Any = json.loads(value or b"null")
    except (ValueError, RecursionError):
        return None
    return found.get("status") if isinstance(found, dict) else None


def _line(message: Any) -> str:
    value: Any = message.value()
    is_cut = value is not None and len(value) > _LONGEST
    shown = f"{printable(value[:_LONGEST])}… (cut)" if is_cut else printable(value)
    return f"{message.partition()}-{message.offset()} {printable(message.key())} {shown}"
