"""A whole stack of its own for the integration tests: other ports, another state folder, started by the real command.

Counting is done with clients that the application does not use: kafka-python, PyMySQL and plain HTTP.
"""

import contextlib
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from include.names import STATUSES, TABLES
from include.settings import ROOT, Settings
from include.stack.environment import load

STATE = ROOT / ".state-test"
UP_SECONDS = 420
RATE = 50


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Waits until the condition holds and gives its value; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)
    return found


class Stack:
    """The running stack, seen from outside."""

    def __init__(self, state: Path, ports: dict[str, int]) -> None:
        self.state = state
        self.ports = ports
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOGSIEVE_")}
        self.variables = {
            **inherited,
            "LOGSIEVE_STATE": str(state),
            **{f"LOGSIEVE_PORT_{name.upper()}": str(port) for name, port in ports.items()},
            "COLUMNS": "160",
        }

    def run(self, *args: str, seconds: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs ./logsieve as a person would, without standard input."""
        return subprocess.run(
            [str(ROOT / "logsieve"), *args],
            env=self.variables | variables,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("status", "--json").stdout)

    @property
    def passwords(self) -> dict[str, str]:
        return json.loads((self.state / "stack.json").read_text())["passwords"]

    @property
    def settings(self) -> Settings:
        env = load(Settings(state=self.state))
        assert env is not None
        return Settings(
            state=self.state,
            kafka_bootstrap=f"127.0.0.1:{self.ports['kafka']}",
            mysql_port=self.ports["mysql"],
            mysql_stream_password=self.passwords["mysql_stream"],
            mysql_reader_password=self.passwords["mysql_reader"],
            elasticsearch_url=f"http://127.0.0.1:{self.ports['elasticsearch']}",
        )

    def root_sql(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        connection = pymysql.connect(
            host="127.0.0.1",
            port=self.ports["mysql"],
            user="root",
            password=self.passwords["mysql_root"],
            autocommit=True,
            init_command="SET time_zone = '+00:00'",
        )
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall())

    def search(self, path: str, body: Any = None, method: str | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['elasticsearch']}/{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def consumer(self) -> KafkaConsumer:
        return KafkaConsumer(
            bootstrap_servers=f"127.0.0.1:{self.ports['kafka']}", enable_auto_commit=False, consumer_timeout_ms=10_000
        )

    def messages(self, topic: str, since: dict[int, int] | None = None) -> list[Any]:
        """Every message of the topic that is still there, from the given offsets up to its present end."""
        with contextlib.closing(self.consumer()) as consumer:
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(partitions)
            firsts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, max(firsts[partition], (since or {}).get(partition.partition, 0)))
            found = []
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for records in consumer.poll(timeout_ms=1000).values():
                    found += [record for record in records if record.offset < ends[_partition(record)]]
            return found

    def ends(self, topic: str) -> dict[int, int]:
        with contextlib.closing(self.consumer()) as consumer:
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            return {partition.partition: end for partition, end in consumer.end_offsets(partitions).items()}

    def send(self, values: list[bytes | None]) -> list[tuple[int, int]]:
        """Sends each value to server-logs with a foreign client; gives their origins in order."""
        with contextlib.closing(KafkaProducer(bootstrap_servers=f"127.0.0.1:{self.ports['kafka']}")) as producer:
            sent = [producer.send("server-logs", value=value, key=str(i).encode()) for i, value in enumerate(values)]
            done = [future.get(timeout=30) for future in sent]
        return [(record.partition, record.offset) for record in done]

    def counts(self) -> dict[str, int]:
        """Rows by status, by a plain driver."""
        return {status: self.root_sql(f"SELECT COUNT(*) FROM logs.{TABLES[status]}")[0][0] for status in STATUSES}


def is_correction(message: Any) -> bool:
    """Whether the status message comes from a rejudgement and not from the stream."""
    return any(name == "rejudged" for name, _ in message.headers)


def _partition(record: Any) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
