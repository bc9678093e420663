"""The indexer writes the status topic to Elasticsearch. Run `python -m include.index.indexer`; SIGTERM stops it.

Several may run: Kafka divides the partitions among them, and gives those of one that ends to the others.
"""

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from itertools import compress
from types import MappingProxyType
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from include.clients.outside import Outside
from include.driver.exit_codes import DriverEnd
from include.index import delays, positions
from include.index.bulk import BulkWriter, StoppedError
from include.index.dead_letters import DeadLetters
from include.index.messages import StatusMessage
from include.index.positions import VerdictsGoneError
from include.index.template import Shape
from include.names import INDEXER_GROUP, STATUS_TOPIC
from include.settings import Settings
from include.topics.marks import are_verdicts
from include.topics.readers import ANSWER_SECONDS, StallWatch, Wait, read_batch, reader
from include.watch.totals import Delays
from include.watch.troubles import Troubles

BATCH_MESSAGES: Final = 4000
WAIT: Final = Wait(0.2)
"""How long a batch waits to fill: the latency that it adds at a low rate."""
REPORT_SECONDS: Final = 60

log = logging.getLogger(__name__)


def _consumer(kafka: Mapping[str, Any]) -> Consumer:
    # Offset reset: messages that Kafka removed before they were indexed must stop the indexer, not be skipped.
    # Session timeout: how soon a killed indexer is replaced; with librdkafka's 45 s the index would be stale for long.
    return reader(kafka, INDEXER_GROUP, **{"auto.offset.reset": "error", "session.timeout.ms": 10_000})


def _read_batch(consumer: Consumer) -> tuple[list[StatusMessage], dict[int, int]]:
    """Returns the verdicts and, by partition, the offset after the last message. Foreign messages are skipped."""
    try:
        received, ends = read_batch(consumer, BATCH_MESSAGES, WAIT)
    except KafkaException as error:
        is_out_of_range = error.args[0].code() == KafkaError._AUTO_OFFSET_RESET
        if is_out_of_range and (gone := positions.find_gone(consumer)):
            raise VerdictsGoneError(f"{positions.describe(gone)} {positions.HOW_TO_GO_ON}") from error
        raise
    if (verdicts := are_verdicts(received)) is not None and not all(verdicts):
        log.warning("%d foreign messages skipped: load sets them aside", verdicts.count(False))
        received = list(compress(received, verdicts))
    return [StatusMessage(each.partition(), each.offset(), each.key(), each.value()) for each in received], ends


def commit(consumer: Consumer, ends: Mapping[int, int], waited: Mapping[int, Delays] = MappingProxyType({})) -> None:
    """Commits these offsets, by partition, where the consumer still has the partition. Raises fatal KafkaExceptions.

    `waited`: the delays that are kept with the offsets.
    """
    # A partition may have gone to another indexer meanwhile, which may be further already.
    own = {each.partition for each in consumer.assignment()}
    places = [
        TopicPartition(STATUS_TOPIC, partition, end, delays.to_text(waited.get(partition, Delays())))
        for partition, end in ends.items()
        if partition in own
    ]
    if not places:
        return
    try:
        consumer.commit(offsets=places, asynchronous=False)
    except KafkaException as error:
        # Kafka is down or has rebalanced the group. Uncommitted messages are read again, which changes nothing.
        if error.args[0].fatal():
            raise
        log.warning("Offsets were not committed (%s): the messages may be read again", error.args[0].str())


def run(settings: Settings, stop: threading.Event) -> None:
    """Indexes status messages until `stop`. Offsets are committed once their messages are documents or dead letters.

    Retries while Kafka or Elasticsearch is down or Elasticsearch refuses requests. Raises errors that a retry does not
    fix: VerdictsGoneError, StalledError, KafkaException, OSError (dead letters).
    """
    outside = Outside(settings)
    letters = DeadLetters(settings.dead_letters)
    troubles = Troubles(settings.troubles, log)
    writer = BulkWriter(outside.search(), stop, troubles, shape=Shape.of(settings))
    consumer = _consumer(outside.kafka)
    stalls = StallWatch(
        consumer, outside.kafka, lambda: consumer.committed(consumer.assignment(), timeout=ANSWER_SECONDS)
    )

    waited: dict[int, Delays] = {}

    def begin(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        waited.clear()
        waited.update(positions.begin(consumer, partitions))
        stalls.start_over()

    consumer.subscribe([STATUS_TOPIC], on_assign=begin)
    indexed = refused = 0
    done: dict[int, int] = {}
    reported_at = time.monotonic()
    try:
        while not stop.is_set():
            stalls.look()
            messages, ends = _read_batch(consumer)
            if messages or any(done.get(partition, 0) < end for partition, end in ends.items()):
                dead = writer.write(messages)
                if dead:
                    letters.append(dead)
                    log.error("%d status messages refused, the first: %s", len(dead), dead[0].reason)
                lost = {each.message for each in dead}
                written = [each for each in messages if each not in lost] if lost else messages
                delays.add(waited, delays.of(written, time.time_ns() // 1_000_000))
                commit(consumer, ends, waited)
                done |= ends
                indexed += len(messages) - len(dead)
                refused += len(dead)
            if time.monotonic() - reported_at >= REPORT_SECONDS:
                log.info("%d indexed, %d refused since the start", indexed, refused)
                reported_at = time.monotonic()
    except StoppedError:
        log.warning("Stopped while Elasticsearch accepted nothing: the current batch is read again at the next start")
    finally:
        troubles.clear_all()
        consumer.close()
    log.info("Stopped: %d indexed, %d refused", indexed, refused)


def main(arguments: list[str]) -> int:
    """Runs with the settings of the environment until SIGTERM or SIGINT. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m include.index.indexer", description=__doc__)
    parser.add_argument(
        "--go-on", action="store_true", help="skip messages that Kafka removed before they were indexed, then exit"
    )
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # It logs one line per request; the indexer's own lines are enough.
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)
    settings = Settings()
    if given.go_on:
        with closing(_consumer(Outside(settings).kafka)) as consumer:
            gone = positions.go_on(consumer)
        if gone:
            log.warning("Skipped: %s", positions.describe(gone))
        else:
            log.info("Nothing to skip: Kafka removed no messages before they were indexed")
        return 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(settings, stop)
    except VerdictsGoneError as error:
        log.error(error)
        return DriverEnd.LOGS_GONE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
