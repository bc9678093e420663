"""Sends the last verdicts on logs again, so that `load` and the indexer restore their rows and documents.

They are marked as corrections because they are not in the order of their logs. Their content is unchanged: nothing is
rejudged.
"""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from include.names import REJUDGED, REPAIR, STATUS_TOPIC, origin_key
from include.proof.evidence import texts
from include.topics import marks

_AT_ONCE: Final = 5000
_SECONDS: Final = 60
"""Time limit for Kafka to acknowledge _AT_ONCE messages."""


def resend(kafka: Mapping[str, Any], consumer: Consumer, places: Mapping[int, Mapping[int, int]]) -> int:
    """Sends the verdicts; returns how many were acknowledged. Raises KafkaException.

    `kafka`: client options, see include/clients/kafka.py. `places`: by partition and origin's offset, the offset of the
    last verdict in the status partition. The caller must prevent corrections from being sent meanwhile.
    """
    producer = Producer({**kafka, "enable.idempotence": True, "compression.type": "lz4", "log_level": 0})
    mark, sent = (REJUDGED, marks.run_id(REPAIR).encode()), 0
    errors: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error:
            errors.append(error)

    for partition, of_origins in places.items():
        ordered = sorted(of_origins.items())
        for start in range(0, len(ordered), _AT_ONCE):
            found = texts(consumer, partition, dict(ordered[start : start + _AT_ONCE]))
            for offset, value in found.items():
                producer.produce(
                    STATUS_TOPIC,
                    value,
                    origin_key(partition, offset),
                    partition,
                    headers=[mark],
                    on_delivery=delivered,
                )
            sent += len(found)
            if producer.flush(_SECONDS) or errors:
                raise KafkaException(errors[0] if errors else KafkaError(KafkaError._TIMED_OUT))
    return sent
