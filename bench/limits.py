"""The limits: the cost of the parts alone, without judging. Run as `python -m bench.limits NAME`.

The rows that `load-data` and `copy` load are prepared from the logs that all contestants read (`prepare`).
"""

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from elasticsearch.helpers import streaming_bulk

from bench import hand_written
from bench.hand_written import BATCH
from bench.hand_written_rules import Judge, Judged, loading
from include import names
from include.clients import kafka
from include.clients.outside import Outside
from include.index.messages import CHUNK_MESSAGES
from include.names import INDEXER_GROUP
from include.settings import Settings
from jobs.database import Database

LIMITS = ("consume", "load-data", "copy", "bulk")


def folder_of(settings: Settings) -> Path:
    """The folder of the prepared rows: a folder per partition, with a folder per batch, named by its last offset."""
    return settings.state / "prepared"


def prepare(settings: Settings, ends: dict[int, int]) -> dict[str, int]:
    """Writes the rows of all logs up to these offsets; returns the number of each status."""
    counts = dict.fromkeys(names.STATUSES, 0)
    shutil.rmtree(folder_of(settings), ignore_errors=True)
    for partition, last_offset, version, judged in _judged(settings, ends):
        folder = folder_of(settings) / str(partition) / f"{last_offset:012}"
        folder.mkdir(parents=True)
        (folder / "version").write_text(str(version))
        for status, lines in judged.lines.items():
            counts[status] += len(lines)
            if lines:
                (folder / f"{status}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return counts


def feed(settings: Settings, ends: dict[int, int]) -> None:
    """Sends the verdicts of all logs up to these offsets to the status topic."""
    producer = hand_written.producer_of(settings)
    for partition, _, _, judged in _judged(settings, ends):
        for key, value in judged.messages:
            producer.produce(names.STATUS_TOPIC, value, key, partition)
        producer.flush(60)


def _judged(settings: Settings, ends: dict[int, int]) -> Iterator[tuple[int, int, int, Judged]]:
    """Yields partition, last offset, version of the users and verdicts of each batch of logs up to these offsets."""
    users, version = hand_written.read_users(Database.of(settings))
    for partition, end in ends.items():
        judge, position = Judge(partition, users, version), 0
        with closing(hand_written.consumer_of(settings, partition, 0)) as consumer:
            while position < end:
                logs = consumer.consume(min(BATCH, end - position), 30)
                judged = judge.judge((log.value(), log.offset() or 0, log.timestamp()[1]) for log in logs)
                position = (logs[-1].offset() or 0) + 1
                yield partition, position - 1, version, judged


def consume(partition: int) -> None:
    """Reads every log and saves the position."""
    settings = Settings()
    consumer = hand_written.consumer_of(settings, partition, 0)
    with closing(Database.of(settings).connect()) as connection, closing(connection.cursor()) as cursor:
        while True:
            logs = consumer.consume(BATCH, hand_written.BATCH_SECONDS)
            if logs:
                hand_written.save(cursor, partition, logs[-1].offset() or 0)
                connection.commit()


def load_data(partition: int) -> None:
    """Loads the prepared rows, a transaction per batch, and waits to be terminated."""
    settings = Settings()
    with closing(Database.of(settings).connect()) as connection, closing(connection.cursor()) as cursor:
        for folder in sorted((folder_of(settings) / str(partition)).iterdir()):
            _load(cursor, partition, folder)
            connection.commit()
    _wait_for_signal()


def copy(partition: int) -> None:
    """Reads every log, sends it unchanged, and loads its prepared row."""
    settings = Settings()
    consumer, producer = hand_written.consumer_of(settings, partition, 0), hand_written.producer_of(settings)
    batches = iter(sorted((folder_of(settings) / str(partition)).iterdir()))
    sent, folder = 0, next(batches, None)
    with closing(Database.of(settings).connect()) as connection, closing(connection.cursor()) as cursor:
        while folder is not None:
            logs = consumer.consume(int(folder.name) + 1 - sent, 30)
            produce = producer.produce
            for log in logs:
                produce(names.STATUS_TOPIC, log.value(), log.key(), partition)
            sent += len(logs)
            if sent <= int(folder.name):
                continue
            _load(cursor, partition, folder)
            producer.flush(60)
            connection.commit()
            folder = next(batches, None)
    _wait_for_signal()


def bulk(partition: int) -> None:
    """Passes every status message, unchanged, to the bulk helper of Elasticsearch's client."""
    settings = Settings()
    consumer = Consumer(kafka.native(settings) | {"group.id": INDEXER_GROUP, "enable.auto.commit": False})
    consumer.assign([TopicPartition(names.STATUS_TOPIC, partition, 0)])
    with Outside(settings).search() as client:
        while True:
            messages = consumer.consume(BATCH, hand_written.BATCH_SECONDS)
            actions = ({"_id": str(each.key(), "ascii"), "_source": each.value()} for each in messages)  # type: ignore[arg-type]
            for _ in streaming_bulk(client, actions, index=names.ODD_INDEX, chunk_size=CHUNK_MESSAGES):
                pass
            if messages:
                consumer.commit(
                    offsets=[TopicPartition(names.STATUS_TOPIC, partition, (messages[-1].offset() or 0) + 1)],
                    asynchronous=False,
                )


def _load(cursor: Any, partition: int, folder: Path) -> None:
    version = int((folder / "version").read_text())
    for path in folder.glob("*.csv"):
        cursor.execute(loading(str(path), path.stem, partition, version))
    hand_written.save(cursor, partition, int(folder.name))


def _wait_for_signal() -> None:
    """Keeps the process alive until it is terminated: its CPU seconds can be read only while it exists."""
    signal.pause()


if __name__ == "__main__":
    hand_written.run(dict(zip(LIMITS, (consume, load_data, copy, bulk), strict=True))[sys.argv[1]])
