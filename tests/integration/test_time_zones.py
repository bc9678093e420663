"""The machine's time zone is Tokyo's, or one with daylight saving: all times stay in UTC everywhere, exactly."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import pytest
from kafka import KafkaProducer

from include.names import origin_key
from include.settings import ROOT
from include.stack.machine import shell
from include.stack.repair import rejudge
from tests.integration.stack import Origin, Stack, prove, until
from tests.integration.test_envelopes import without_the_first_wall
from tests.integration.test_load import PARTITION
from tests.integration.test_odd_logs import log

NEW_YORK = "America/New_York"
TIMES = (
    "2021-03-14T02:30:00.456",  # in New York this local time did not exist
    "2021-03-14T07:30:00.456",  # and this is the moment at which it would have been
    "2021-11-07T01:30:00.456",  # in New York this local time occurred twice,
    "2021-11-07T05:30:00.456",  # then
    "2021-11-07T06:30:00.456",  # and then
    "2021-04-29T15:00:00.456",  # midnight in Tokyo
)
"""In UTC; treating one as a time of another zone, or writing it in that zone, would change it."""
IN_MYSQL = [(at[:19].replace("T", " "), at.replace("T", " ")) for at in TIMES]
STATUS = "server-logs-status"

LOAD = """
import json, sys, time
from pathlib import Path
from tests.integration.stack import Stack
from tests.integration.test_load import Sink

state, ports, partition, times = sys.argv[1:]
sink = Sink(Stack(Path(state), json.loads(ports)), int(partition))
messages = [
    sink.message(offset, event_timestamp=at[:19] + "Z", received_at=at + "Z")
    for offset, at in enumerate(json.loads(times))
]
sink.load(sink.batch(*messages))
print(time.tzname[0])
"""


@pytest.fixture
def partition(stack: Stack) -> Iterator[int]:
    number = next(PARTITION)
    yield number
    for table in ("good_logs", "load_progress"):
        stack.root_sql(f"DELETE FROM logs.{table} WHERE kafka_partition = %s", (number,))
    stack.root_sql("DELETE FROM logs.driver_lease WHERE name = %s", (f"test-{number}",))


def rows(stack: Stack, origins: list[Origin]) -> list[tuple[str, str]]:
    """event_timestamp and received_at of each origin, as MySQL formats them in UTC."""
    query = "SELECT CAST(event_timestamp AS CHAR), CAST(received_at AS CHAR) FROM logs.good_logs"
    where = "WHERE kafka_partition = %s AND kafka_offset = %s"
    return [row for origin in origins for row in stack.root_sql(f"{query} {where}", origin)]  # type: ignore[misc]


@pytest.mark.parametrize(("zone", "abbreviation"), [("Asia/Tokyo", "JST"), (NEW_YORK, "EST")])
def test_rows_are_in_utc(stack: Stack, partition: int, zone: str, abbreviation: str) -> None:
    given = [str(stack.state), json.dumps(stack.ports), str(partition), json.dumps(TIMES)]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *given],
        env={**os.environ, "TZ": zone, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == abbreviation, done.stderr
    assert rows(stack, [(partition, offset) for offset in range(len(TIMES))]) == IN_MYSQL


def test_verdicts_of_spark_in_a_zone_with_daylight_saving_are_in_utc(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logs with these times, judged by the stream in its machine's zone, and rejudged in New York's."""
    since = stack.now()
    with without_the_first_wall(stack):  # otherwise Kafka sets the time of receipt
        origins = send(stack)
    until(lambda: len(stack.documents(origins)) == len(origins), 60, "the logs are everywhere")
    until(lambda: len(rows(stack, origins)) == len(origins), 60, "in MySQL too")
    assert rows(stack, origins) == IN_MYSQL

    monkeypatch.setitem(shell.LANGUAGE, "TZ", NEW_YORK)
    runs = {number: [(at, at) for part, at in origins if part == number] for number, _ in origins}
    report = rejudge.run(stack.env, origins=runs)
    assert (report.sent, report.changed) == (len(TIMES), 0)
    keys = {origin_key(*origin).encode(): at for origin, at in zip(origins, TIMES, strict=True)}
    messages = [found for found in stack.messages(STATUS, since[STATUS]) if found.key in keys]
    assert len(messages) == 2 * len(TIMES)
    for message in messages:
        verdict, at = json.loads(message.value), keys[message.key]
        assert (verdict["event_timestamp"], verdict["received_at"]) == (f"{at[:19]}Z", f"{at}Z")
    assert rows(stack, origins) == IN_MYSQL
    prove(stack, since)


def send(stack: Stack) -> list[Origin]:
    """Sends a good log for each time, with this time as Kafka's timestamp."""
    device = stack.first_device(684)
    with closing(KafkaProducer(**stack.kafka)) as producer:
        sent = []
        for number, at in enumerate(TIMES):
            time = datetime.fromisoformat(f"{at}+00:00").timestamp()
            value = log(device=device, event_timestamp=str(int(time)))
            sent.append(producer.send("server-logs", value, key=str(number).encode(), timestamp_ms=round(time * 1000)))
        done = [future.get(timeout=30) for future in sent]
    return [(record.partition, record.offset) for record in done]
