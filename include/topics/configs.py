"""The settings of both topics. They let the broker reject or normalize problematic messages before anyone reads them.

`bootstrap` creates the topics with these settings and applies them to existing topics.
"""

from collections.abc import Mapping
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub lacks some names
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from include.names import LOGS_TOPIC, STATUS_TOPIC

MAX_BYTES: Final = 1_048_588
"""Largest batch of messages that the broker stores: Kafka's default. The clients' default limits are below it."""

SETTINGS: Final[dict[str, dict[str, str]]] = {
    LOGS_TOPIC: {
        # `received_at` is when the broker received the log: a sender's clock can be any 64-bit number.
        "message.timestamp.type": "LogAppendTime",
        # The broker decompresses, so the limit below also bounds a reader's memory: 30 kB can hold 300 MiB.
        "compression.type": "uncompressed",
        "max.message.bytes": str(MAX_BYTES),
    },
    STATUS_TOPIC: {
        "message.timestamp.type": "LogAppendTime",
        # The codec that classify uses: the broker stores its batches unchanged and recompresses those of others. lz4
        # compresses at most 255 to 1, so no batch decompresses to more than 255 MiB.
        "compression.type": "lz4",
        "max.message.bytes": str(MAX_BYTES),
    },
}
HOW_TO_FIX: Final = (
    "Ask a Kafka administrator to set it: only the broker can reject wrong clocks of senders and batches that"
    " decompress to a huge size. Without it, each such log pauses the stream; nothing is lost."
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
"""Errors of a broker that does not let Logsieve configure topics."""

Differences = dict[str, dict[str, tuple[str, str]]]
"""By topic and setting: the actual value and the required value."""


def make(client: AdminClient, partitions: int, *, overrides: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """Creates the missing topics, with the broker's default number of replicas. Raises KafkaException.

    `overrides`: settings by topic that replace those of SETTINGS.
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
    """Returns the settings of existing topics that differ from SETTINGS. Raises KafkaException.

    Topics whose settings Logsieve is not allowed to read are left out.
    """
    there = client.list_topics(timeout=_SECONDS).topics
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in SETTINGS if topic in there]
    asked = client.describe_configs(resources) if resources else {}
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


def apply(client: AdminClient) -> str:
    """Sets what differs. Returns "", or a sentence about what the broker refused and why. Raises KafkaException."""
    refused = ""
    for topic, each in differing(client).items():
        try:
            alter(client, topic, {name: wanted for name, (_, wanted) in each.items()})
        except KafkaException as error:
            refused = refused or error.args[0].str()
    left = differing(client)
    return f"Kafka refused the change ({refused or 'no reason given'}): {describe(left)}" if left else ""


def alter(client: AdminClient, topic: str, settings: Mapping[str, str]) -> None:
    """Sets these settings of a topic and leaves all others. Raises KafkaException."""
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in settings.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    client.incremental_alter_configs([resource])[resource].result(_SECONDS)


def describe(differences: Differences) -> str:
    """Returns what differs and how to fix it, in a few sentences; "" if nothing differs. Pure."""
    named = [
        f"{topic} has {name}={found}, not {wanted}"
        for topic, each in sorted(differences.items())
        for name, (found, wanted) in sorted(each.items())
    ]
    return f"{'; '.join(named)}. {HOW_TO_FIX}" if named else ""
