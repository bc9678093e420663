"""Kafka client options from the settings: address, and login and certificates if the broker requires them."""

from typing import Any, Final

from include.settings import Settings

_ANSWER_MILLISECONDS: Final = 10_000
"""Request timeout, after which a client retries. The defaults are 30 s (Java) and 60 s (librdkafka)."""

UNPACKED: Final = 512 * 1024 * 1024
"""Largest size to which librdkafka decompresses a zstd batch (`receive.message.max.bytes`). It briefly uses that much
memory. With the default of 100 MB, a consumer never gets past a larger batch."""


def native(settings: Settings) -> dict[str, Any]:
    """Returns the options of librdkafka's clients (confluent_kafka)."""
    options: dict[str, Any] = {"bootstrap.servers": settings.kafka_bootstrap, "socket.timeout.ms": _ANSWER_MILLISECONDS}
    if settings.kafka_security != "PLAINTEXT":
        options["security.protocol"] = settings.kafka_security
    if settings.kafka_ca and settings.kafka_encrypts:
        options["ssl.ca.location"] = str(settings.kafka_ca)
    if settings.kafka_logs_in:
        options["sasl.mechanism"] = settings.kafka_sasl_mechanism
        options["sasl.username"] = settings.kafka_user
        options["sasl.password"] = settings.kafka_password.get_secret_value()
    return options


def spark(settings: Settings) -> dict[str, str]:
    """Returns the options of Spark's Kafka source and sink, which pass options named `kafka.…` to the Java clients."""
    return {f"kafka.{name}": value for name, value in java(settings).items()}


def java(settings: Settings) -> dict[str, str]:
    """Returns the options of Kafka's Java clients."""
    options = {"bootstrap.servers": settings.kafka_bootstrap, "request.timeout.ms": str(_ANSWER_MILLISECONDS)}
    if settings.kafka_security != "PLAINTEXT":
        options["security.protocol"] = settings.kafka_security
    if settings.kafka_ca and settings.kafka_encrypts:
        # The content, not the path: executors then need no such file.
        options |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": settings.kafka_ca.read_text()}
    if settings.kafka_logs_in:
        module = "plain.PlainLoginModule" if settings.kafka_sasl_mechanism == "PLAIN" else "scram.ScramLoginModule"
        user, password = _quoted(settings.kafka_user), _quoted(settings.kafka_password.get_secret_value())
        options["sasl.mechanism"] = settings.kafka_sasl_mechanism
        options["sasl.jaas.config"] = (
            f"org.apache.kafka.common.security.{module} required username={user} password={password};"
        )
    return options


def _quoted(text: str) -> str:
    """Quotes a string for Java's login configuration (JAAS)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
