"""The limits: what the parts cost alone, without any judging. `python -m bench.limits consume|load-data|copy`.

The rows that `load-data` and `copy` load were made before (`prepare`), so that they are of the same logs as all others.
"""

import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from bench import hand_written
from bench.by_hand import Judge, loading
from bench.hand_written import BATCH
from include import names
from include.settings import Settings
from jobs.database import Database

LIMITS = ("consume", "load-data", "copy")


def folder_of(settings: Settings) -> Path:
    """Where the prepared rows are: a folder a partition, in it a folder a batch, named by its last offset."""
    return settings.state / "prepared"


def prepare(settings: Settings, ends: dict[int, int]) -> dict[str, int]:
    """Writes the rows of all logs up to these offsets; gives how many there are of each status."""
    counts = dict.fromkeys(names.STATUSES, 0)
    shutil.rmtree(folder_of(settings), ignore_errors=True)
    users, version = hand_written.read_users(Database.of(settings))
    for partition, end in ends.items():
        judge, position = Judge(partition, users, version), 0
        with closing(hand_written.consumer_of(settings, partition, 0)) as consumer:
            while position < end:
                logs = consumer.consume(min(BATCH, end - position), 30)
                judged = judge.judge((log.value(), log.offset() or 0, log.timestamp()[1]) for log in logs)
                position = (logs[-1].offset() or 0) + 1
                folder = folder_of(settings) / str(partition) / f"{position - 1:012}"
                folder.mkdir(parents=True)
                (folder / "version").write_text(str(version))
                for status, lines in judged.lines.items():
                    counts[status] += len(lines)
                    if lines:
                        (folder / f"{status}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return counts


def consume(partition: int) -> None:
    """Reads every log and keeps how far it came."""
    settings = Settings()
    consumer = hand_written.consumer_of(settings, partition, 0)
    with closing(Database.of(settings).connect()) as connection, closing(connection.cursor()) as cursor:
        while True:
            logs = consumer.consume(BATCH, hand_written.BATCH_SECONDS)
            if logs:
                hand_written.save(cursor, partition, logs[-1].offset() or 0)
                connection.commit()


def load_data(partition: int) -> None:
    """Loads the prepared rows, a transaction a batch, and ends."""
    settings = Settings()
    with closing(Database.of(settings).connect()) as connection, closing(connection.cursor()) as cursor:
        for folder in sorted((folder_of(settings) / str(partition)).iterdir()):
            _load(cursor, partition, folder)
            connection.commit()
    _wait_for_ever()


def copy(partition: int) -> None:
    """Reads every log, sends it on as it is, and loads the rows that were prepared of it."""
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
    _wait_for_ever()


def _load(cursor: Any, partition: int, folder: Path) -> None:
    version = int((folder / "version").read_text())
    for path in folder.glob("*.csv"):
        cursor.execute(loading(str(path), path.stem, partition, version))
    hand_written.save(cursor, partition, int(folder.name))


def _wait_for_ever() -> None:
    """Whoever measures reads the CPU seconds of a living process, and then ends it."""
    import signal

    signal.pause()


if __name__ == "__main__":
    hand_written.run(dict(zip(LIMITS, (consume, load_data, copy), strict=True))[sys.argv[1]])
