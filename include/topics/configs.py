"""The settings of both topics: what a broker can refuse or tame before anybody has to read it.

`bootstrap` makes the topics with them, and brings those that are there to them.
"""

from collections.abc import Mapping
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub forgets some
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from include.names import LOGS_TOPIC, STATUS_TOPIC

MAX_BYTES: Final = 1_048_588
"""Of a batch of messages as the broker keeps it: Kafka's own default, which the clients' own limits fit below."""

SETTINGS: Final[dict[str, dict[str, str]]] = {
    LOGS_TOPIC: {
        # `received_at` is when the broker received the log: a sender's clock may say any 64-bit number.
        "message.timestamp.type": "LogAppendTime",
        # The broker unpacks, so that the limit below holds for what a reader has to hold: 300 MiB fit into 30 kB.
        "compression.type": "uncompressed",
        "max.message.bytes": str(MAX_BYTES),
    },
    STATUS_TOPIC: {
        "message.timestamp.type": "LogAppendTime",
        # As classify packs: the broker takes its batches as they are, and packs those of others anew. lz4 packs 255
        # bytes into one at best, so nothing in it unpacks to more than 255 MiB.
        "compression.type": "lz4",
        "max.message.bytes": str(MAX_BYTES),
    },
}
HOW_TO_MEND: Final = (
    "Have somebody who may alter topics set that: a sender's clock and what small messages unpack to are the broker's"
    " to refuse. Without it each such log costs a pause of the stream, and nothing is lost."
)

_SECONDS: Final = 10
_REFUSED: Final = frozenset(
    {
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.INVALID_CONFIG,
        KafkaError.POLICY_VIOLATION,
    }
)
"""Of a broker that is not ours to configure."""

Differences = dict[str, dict[str, tuple[str, str]]]
"""By topic and setting: what it is, and what it is meant to be."""


def make(client: AdminClient, partitions: int, *, overrides: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """Makes the topics that are not there, with the broker's own number of replicas. Raises KafkaException.

    `overrides`: by topic, settings that are to be otherwise.
    """
    missing = [topic for topic in SETTINGS if topic not in client.list_topics(timeout=_SECONDS).topics]
    for topic in missing:
        wanted = {**SETTINGS[topic], **(overrides or {}).get(topic, {})}
        try:
            client.create_topics([NewTopic(topic, partitions, -1, config=wanted)])[topic].result(_SECONDS)
        except KafkaException as error:
            if error.args[0].code() not in _REFUSED:
                raise
            client.create_topics([NewTopic(topic, partitions, -1)])[topic].result(_SECONDS)


def differing(client: AdminClient) -> Differences:
    """What is otherwise in the topics that are there; nothing of one that may not be asked. Raises KafkaException."""
    there = client.list_topics(timeout=_SECONDS).topics
    asked = client.describe_configs([ConfigResource(ResourceType.TOPIC, topic) for topic in SETTINGS if topic in there])
    found = {}
    for resource, answer in asked.items():
        try:
            found[resource.name] = answer.result(_SECONDS)
        except KafkaException as error:
            if error.args[0].code() not in _REFUSED:
                raise
    differences = {
        topic: {
            name: (entries[name].value, wanted)
            for name, wanted in SETTINGS[topic].items()
            if name in entries and entries[name].value != wanted
        }
        for topic, entries in found.items()
    }
    return {topic: each for topic, each in differences.items() if each}


def bring_to(client: AdminClient) -> str:
    """Sets what differs; gives "", or in a sentence what the broker refused, and why. Raises KafkaException."""
    refused = ""
    for topic, each in differing(client).items():
        try:
            alter(client, topic, {name: wanted for name, (_, wanted) in each.items()})
        except KafkaException as error:
            refused = refused or error.args[0].str()
    left = differing(client)
    return f"Kafka refused ({refused or 'without a word'}): {tell(left)}" if left else ""


def alter(client: AdminClient, topic: str, settings: Mapping[str, str]) -> None:
    """Sets these of a topic, and leaves all others. Raises KafkaException."""
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in settings.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    client.incremental_alter_configs([resource])[resource].result(_SECONDS)


def tell(differences: Differences) -> str:
    """What differs, and what to do, in a sentence or two; "" where nothing does. Pure."""
    named = [
        f"{topic} has {name}={found}, not {wanted}"
        for topic, each in sorted(differences.items())
        for name, (found, wanted) in sorted(each.items())
    ]
    return f"{'; '.join(named)}. {HOW_TO_MEND}" if named else ""
