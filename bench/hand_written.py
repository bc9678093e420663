"""The hand-written contestant: one Python process per partition, only libraries, tuned as well as we can.

librdkafka reads and sends, orjson parses, LOAD DATA writes. A thread loads the rows of a batch while its status
messages are sent; the rows are committed with the position, once Kafka has the messages. So a restart loses no log and
loads none twice, but may send the messages of one batch again. It has no lease, and reads the users only at its start.
"""

import gc
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from bench.hand_written_rules import Judge, Judged, Periods, loading
from include import names
from include.clients import kafka
from include.settings import Settings
from jobs.database import Database, number

BATCH = 20_000
"""Most logs in one transaction."""
BATCH_SECONDS = 0.5
"""How long a batch waits to fill."""

_PROGRESS = f"{names.LOGS_DATABASE}.{names.PROGRESS_TABLE}"
_SAVE = (
    f"REPLACE INTO {_PROGRESS} (kafka_partition, last_offset, status_offset, loaded_at)"
    " VALUES (%s, %s, -1, UTC_TIMESTAMP(3))"
)
_POSITION = f"SELECT last_offset + 1 FROM {_PROGRESS} WHERE kafka_partition = %s"
_HISTORY = (
    "SELECT account_no, DATEDIFF(valid_from, '1970-01-01'), DATEDIFF(valid_to, '1970-01-01'), user_device"
    f" FROM {names.USERS_DATABASE}.{names.HISTORY_TABLE} ORDER BY account_no, valid_from"
)
_VERSION = f"SELECT version FROM {names.USERS_DATABASE}.{names.VERSION_TABLE}"


def consumer_of(settings: Settings, partition: int, position: int) -> Consumer:
    """A consumer of one partition of the logs, from the offset `position`."""
    consumer = Consumer(
        kafka.native(settings)
        | {
            "group.id": "by-hand",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 4 * 1024 * 1024,
            "queued.min.messages": 2 * BATCH,
        }
    )
    consumer.assign([TopicPartition(names.LOGS_TOPIC, partition, position)])
    return consumer


def producer_of(settings: Settings) -> Producer:
    """An idempotent producer that waits for full batches."""
    return Producer(
        kafka.native(settings)
        | {
            "enable.idempotence": True,
            "linger.ms": 20,
            "batch.size": 1024 * 1024,
            "queue.buffering.max.messages": 4 * BATCH,
            "delivery.report.only.error": True,
            "on_delivery": _refused,
        }
    )


def _refused(error: Any, message: Message) -> None:
    raise KafkaException(error)


def read_users(database: Database) -> tuple[dict[int, list[Any]], int]:
    """The periods of each account, and the version of the users history."""
    users: dict[int, Periods] = {}
    with closing(database.connect()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(_HISTORY)
        rows: Any = cursor.fetchall()
        for account, first, end, device in rows:
            users.setdefault(account, []).append((first, end, device))
        return users, number(cursor, _VERSION) or 0


def position_of(database: Database, partition: int) -> int:
    """The first offset of the partition that is not loaded."""
    with closing(database.connect()) as connection, closing(connection.cursor()) as cursor:
        return number(cursor, _POSITION, partition) or 0


def save(cursor: Any, partition: int, last_offset: int) -> None:
    """Saves the position; the caller commits."""
    cursor.execute(_SAVE, (partition, last_offset))


def work(partition: int) -> None:
    """Judges and loads one partition until it is terminated."""
    gc.disable()  # there are no reference cycles here, and the collector would scan every row repeatedly
    settings = Settings()
    database = Database.of(settings)
    users, version = read_users(database)
    judge = Judge(partition, users, version)
    consumer, producer = consumer_of(settings, partition, position_of(database, partition)), producer_of(settings)
    connection = database.connect()
    loading_now: Future[None] | None = None

    def load(judged: Judged, last_offset: int, sent: threading.Event) -> None:
        with closing(connection.cursor()) as cursor, tempfile.TemporaryDirectory(prefix="by-hand-") as folder:
            for status, lines in judged.lines.items():
                if lines:
                    path = Path(folder) / status
                    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
                    cursor.execute(loading(str(path), status, partition, version))
                    if cursor.rowcount != len(lines) or cursor.warning_count:
                        raise RuntimeError(f"MySQL took {cursor.rowcount} of {len(lines)} rows")
            sent.wait()
            save(cursor, partition, last_offset)
        connection.commit()

    with ThreadPoolExecutor(1) as thread:
        while True:
            logs = consumer.consume(BATCH, BATCH_SECONDS)
            if not logs:
                continue
            judged = judge.judge((log.value(), log.offset() or 0, log.timestamp()[1]) for log in logs)
            if loading_now:
                loading_now.result()
            sent = threading.Event()
            loading_now = thread.submit(load, judged, logs[-1].offset() or 0, sent)
            produce = producer.produce
            for key, value in judged.messages:
                produce(names.STATUS_TOPIC, value, key, partition)
            if producer.flush(60):
                raise RuntimeError("Kafka does not accept the status messages: see its log")
            sent.set()


def run(target: Callable[..., None], *arguments: Any) -> None:
    """Runs a process of `target(partition, …)` for each partition, see `together`."""
    settings = Settings()
    with closing(Consumer(kafka.native(settings) | {"group.id": "by-hand"})) as consumer:
        partitions = consumer.list_topics(names.LOGS_TOPIC, timeout=30).topics[names.LOGS_TOPIC].partitions
    together(target, partitions, *arguments)


def together(target: Callable[..., None], partitions: Iterable[int], *arguments: Any) -> None:
    """Runs a process of `target(partition, …)` for each partition, until SIGTERM or until one of them exits.

    Then ends all of them, and raises SystemExit.
    """
    spawn = get_context("spawn")
    processes = [spawn.Process(target=target, args=(number, *arguments), daemon=True) for number in partitions]
    for process in processes:
        process.start()

    def end(*_: Any) -> None:
        for process in processes:
            process.terminate()

    signal.signal(signal.SIGTERM, end)
    wait([process.sentinel for process in processes])
    end()
    for process in processes:
        process.join()
    raise SystemExit(1)


if __name__ == "__main__":
    run(work)
