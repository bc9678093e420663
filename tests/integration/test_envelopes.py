"""Logs with any bytes, timestamp, key, headers, codec and size that the broker accepts get one status; foreign messages
change nothing."""

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message, Producer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.topics import configs
from tests.integration.stack import Origin, Stack, check, prove, until, wait_until_it_loads
from tests.integration.test_odd_logs import log
from tests.integration.test_start_of_driver import start_manually
from tests.integration.test_why import why

GO_ZERO = -6795364578871345152
"""Go's zero time in nanoseconds, as sent by a program that should send milliseconds."""
MIB = 2**20
OF_OTHERS = {
    "message.timestamp.type": "CreateTime",
    # Kafka 4 refuses timestamps more than an hour ahead, older versions do not.
    "message.timestamp.after.max.ms": str(2**63 - 1),
    "compression.type": "producer",
    "max.message.bytes": "1048588",
}
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
BYTES = st.none() | st.binary(max_size=300)
ENVELOPE = st.fixed_dictionaries(
    {
        "value": BYTES | st.sampled_from([log(), log(device=None), log(extra="x" * 900_000)]),
        "key": BYTES,
        "timestamp": st.integers(-(2**63) + 1, 2**63 - 1) | st.sampled_from([GO_ZERO, -1, 1, -62135596800001]),
        "headers": st.none() | st.lists(st.tuples(st.text(max_size=20), BYTES), max_size=4),
        "codec": st.sampled_from(CODECS),
    }
)


class Sender:
    """Sends like any client; records what the broker accepted and refused."""

    def __init__(self, stack: Stack) -> None:
        kafka = {**stack.env.outside.kafka, "log_level": 0}
        most = {"message.max.bytes": 10**9, "queue.buffering.max.kbytes": 2 * 10**6, "batch.size": 10**9}
        self._producers = {codec: Producer({**kafka, **most, "compression.type": codec}) for codec in CODECS}
        self.taken: list[Origin] = []
        self.refused: list[str] = []

    def send(self, topic: str, codec: str = "none", **message: Any) -> None:
        def keep(error: Any, sent: Message) -> None:
            if error:
                self.refused.append(error.name())
            else:
                self.taken.append((sent.partition() or 0, sent.offset() or 0))

        self._producers[codec].produce(topic, on_delivery=keep, **message)

    def flush(self) -> list[Origin]:
        assert not any(producer.flush(60) for producer in self._producers.values())
        return self.taken


def configure(stack: Stack, wanted: dict[str, dict[str, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configs, "SETTINGS", wanted)
        assert configs.apply(stack.env.outside.admin()) == ""


@contextlib.contextmanager
def without_the_first_wall(stack: Stack) -> Iterator[None]:
    """Configures the topic like another, or an older, broker, which refuses nothing."""
    kept = configs.SETTINGS
    configure(stack, {LOGS_TOPIC: OF_OTHERS})
    try:
        yield
    finally:
        configure(stack, kept)


def send_at(stack: Stack, times: list[datetime], count: int) -> list[list[Origin]]:
    """Sends `count` logs for each time to a broker that takes the sender's clock; returns their origins by time."""
    sender, device = Sender(stack), stack.first_device(684)
    for time in times:
        for number in range(count):
            stamp = round(time.timestamp() * 1000)
            sender.send("server-logs", value=log(device=device), timestamp=stamp, partition=number % 2)
    taken = sender.flush()
    assert sender.refused == []
    # Each partition keeps the order in which they were sent.
    ordered = {number: sorted(origin for origin in taken if origin[0] == number) for number in (0, 1)}
    each = count // 2
    return [ordered[0][at * each :][:each] + ordered[1][at * each :][:each] for at in range(len(times))]


@given(envelopes=st.lists(ENVELOPE, min_size=80, max_size=120))
@settings(max_examples=1, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_every_envelope_that_the_broker_accepts_gets_one_status(stack: Stack, envelopes: list[dict[str, Any]]) -> None:
    wait_until_it_loads(stack)
    since, sender = stack.now(), Sender(stack)
    for envelope in envelopes:
        sender.send(LOGS_TOPIC, **envelope)
    # Too large only after decompression.
    sender.send(LOGS_TOPIC, "zstd", value=log(extra="x" * 5 * MIB))
    taken = sender.flush()
    assert sender.refused == ["MSG_SIZE_TOO_LARGE"]
    until(lambda: set(taken) <= stack.loaded(since), 60, "all are loaded")
    check(stack, since)


def test_logs_that_spark_cannot_read_are_judged_anyway_and_stop_nothing(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since, sender, times = stack.now(), Sender(stack), (GO_ZERO, -(2**63) + 1, 2**63 - 1, 9223372036854775, -(2**53))
    good = log(device=stack.first_device(684))
    bomb = log(extra="A" * 300 * MIB)
    with without_the_first_wall(stack):
        for number, time in enumerate(times):
            sender.send(LOGS_TOPIC, value=good, timestamp=time, partition=0)
            # Normal logs in between, in each partition.
            sender.send(LOGS_TOPIC, value=good, partition=number % 2)
        sender.flush()
        sender.send(LOGS_TOPIC, "zstd", value=bomb, partition=1)
        (at,) = sender.flush()[-1:]
        # Each is allowed, but together they exceed the heap: one poll could return all of them.
        for _ in range(1200):
            sender.send(LOGS_TOPIC, "zstd", value=log(extra="B" * 900_000), partition=1)
        sender.send(LOGS_TOPIC, value=good, partition=1)
        taken = sender.flush()
    assert sender.refused == []
    until(lambda: set(taken) <= stack.loaded(since), 90, "all are loaded")
    rows = {(partition, offset): status for partition, offset, status in stack.rows(since)}
    assert {rows[origin] for origin in taken if origin != at} == {"good", "suspicious"}, (
        "no log is bad because of its time"
    )
    query = "SELECT reasons, raw, raw_size FROM logs.bad_logs WHERE kafka_partition = %s AND kafka_offset = %s"
    assert stack.root_sql(query, at) == [('["unreadable"]', bomb[: 64 * 1024], len(bomb))]
    story = why(stack, at)
    assert story["reasons"].keys() == {"unreadable"}
    first = min(origin for origin in taken if origin[0] == 0)
    assert why(stack, first)["log"]["received_at"].startswith("1970-01-01T00:00:00")
    replayed = stack.run("replay", "--reason", "unreadable", seconds=180)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert stack.root_sql(query, at) == [('["unreadable"]', bomb[: 64 * 1024], len(bomb))], "the rules say the same"
    wait_until_it_loads(stack)
    proofs = json.loads(stack.run("reconcile", "--json").stdout)
    assert not any(proof["differences"] for proof in proofs)
    # Other tests read all that is in the topic. Later logs stay: one that is not judged yet would stop the stream.
    stack.remove(LOGS_TOPIC, {1: max(offset for partition, offset in taken if partition == 1) + 1})


def test_a_bounded_run_judges_logs_that_spark_cannot_read(stack: Stack, tmp_path: Path) -> None:
    wait_until_it_loads(stack)
    assert stack.run("stream", "stop").returncode == 0
    since, sender, good = stack.now(), Sender(stack), log(device=stack.first_device(684))
    with without_the_first_wall(stack):
        for partition in (0, 1):
            for time in (GO_ZERO, 2**63 - 1):
                sender.send(LOGS_TOPIC, value=good, timestamp=time, partition=partition)
        taken = sender.flush()
    output = tmp_path / "bounded.log"
    assert start_manually(stack, output, "--trigger", "available-now").wait(timeout=300) == 0, output.read_text()[
        -3000:
    ]
    assert {row[:2]: row[2] for row in stack.rows(since) if row[:2] in taken} == dict.fromkeys(taken, "good")
    assert stack.run("stream", "start").returncode == 0
    wait_until_it_loads(stack)
    check(stack, since)


def test_foreign_messages_are_not_verdicts(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (origin,) = stack.send([log(device="of nobody")])
    until(lambda: origin in stack.loaded(since), 60, "it is loaded")
    (true,) = (m for m in stack.messages(STATUS_TOPIC, since[STATUS_TOPIC]) if m.key == b"%d-%d" % origin)
    false = true.value.replace(b'"suspicious"', b'"good"').replace(b'["unexpected_device"]', b"[]")
    assert false != true.value
    place, sender = {"partition": origin[0]}, Sender(stack)
    ahead = b"%d-%d" % (origin[0], stack.ends(LOGS_TOPIC)[origin[0]] + 10**6)
    for key, value in [
        (true.key, false),
        (true.key, None),
        (true.key, b"[" * 100_000),
        (ahead, true.value),
        (b"99-1", true.value),
        (None, b"\xff\n\x00"),
        (b"x" * 1000, true.value + b"\n" + true.value),
        (b"7", b"y" * 900_000),
    ]:
        sender.send(STATUS_TOPIC, "zstd", key=key, value=value, headers=[("trace", b"1")], **place)
    sender.send(STATUS_TOPIC, "zstd", value=b"z" * 300 * MIB, **place)
    taken = sender.flush()
    assert (len(taken), len(sender.refused)) == (8, 1), "a message that decompresses to 300 MiB is refused"
    query = "SELECT COUNT(*) FROM logs.foreign_messages WHERE kafka_partition = %s AND status_offset >= %s"
    found = (origin[0], since[STATUS_TOPIC][origin[0]])
    until(lambda: stack.root_sql(query, found) == [(8,)], 30, "they are set aside")
    assert (stack.status().foreign_messages or 0) >= 8
    wait_until_it_loads(stack)
    prove(stack, stack.now())
    assert [row[2] for row in stack.rows(since) if row[:2] == origin] == ["suspicious"]
    assert stack.documents([origin]) == {origin: "suspicious"}
    assert [verdict["status"] for verdict in why(stack, origin)["verdicts"]] == ["suspicious"]
    done = stack.run("airflow", "tasks", "test", "watch_logs", "foreign", seconds=60)
    assert "are not verdicts: see logs.foreign_messages" in done.stdout + done.stderr
    stack.root_sql("UPDATE logs.foreign_messages SET found_at = found_at - INTERVAL 1 DAY")
