"""How clients reach Kafka, by the settings: its address, and login and certificates where it asks for them."""

from typing import Any, Final

from include.settings import Settings

_ANSWER_MILLISECONDS: Final = 10_000
"""How long a client waits for the answer to a request before it asks again: 30 and 60 s else."""

UNPACKED: Final = 512 * 1024 * 1024
"""What librdkafka unpacks of one batch that zstd packed, at most (`receive.message.max.bytes`). It takes that much
memory for a moment. With its own 100 MB a consumer never comes to what lies behind a larger one."""


def native(settings: Settings) -> dict[str, Any]:
    """For librdkafka's clients (confluent_kafka)."""
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
    """For Spark's Kafka source and sink, which hand what begins with `kafka.` to the Java clients."""
    options = {"bootstrap.servers": settings.kafka_bootstrap, "request.timeout.ms": str(_ANSWER_MILLISECONDS)}
    if settings.kafka_security != "PLAINTEXT":
        options["security.protocol"] = settings.kafka_security
    if settings.kafka_ca and settings.kafka_encrypts:
        # The text, not the path: executors need no such file.
        options |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": settings.kafka_ca.read_text()}
    if settings.kafka_logs_in:
        module = "plain.PlainLoginModule" if settings.kafka_sasl_mechanism == "PLAIN" else "scram.ScramLoginModule"
        user, password = _quoted(settings.kafka_user), _quoted(settings.kafka_password.get_secret_value())
        options["sasl.mechanism"] = settings.kafka_sasl_mechanism
        options["sasl.jaas.config"] = (
            f"org.apache.kafka.common.security.{module} required username={user} password={password};"
        )
    return {f"kafka.{name}": value for name, value in options.items()}


def _quoted(text: str) -> str:
    """As a string of Java's login configuration."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
