"""Kafka's own metrics by JMX, its only means: on loopback, for one user who can only read them."""

from pathlib import Path
from typing import Final

from include.stack import folders
from include.stack.environment import HOST, Environment
from include.stack.private import write_private
from include.stack.servers import server_users

USER: Final = "logsieve_jmx"
PASSWORD_FILE: Final = "kafka-jmx-password"  # noqa: S105  # a name
"""In the state, for whoever collects them: docs/metrics.md."""


def options(env: Environment) -> list[str]:
    """Options of Kafka's Java; none if LOGSIEVE_METRICS_STATSD is empty."""
    if not env.settings.metrics_statsd:
        return []
    passwords, rights = _files(env)
    java = "com.sun.management.jmxremote"
    return [
        f"-D{java}.host={HOST}",
        f"-D{java}.port={env.ports.kafka_jmx}",
        # By default a second port, another at each start, open on all addresses.
        f"-D{java}.rmi.port={env.ports.kafka_jmx}",
        f"-Djava.rmi.server.hostname={HOST}",
        f"-D{java}.ssl=false",
        f"-D{java}.authenticate=true",
        f"-D{java}.password.file={passwords}",
        f"-D{java}.access.file={rights}",
        # By default Java rewrites the file.
        f"-D{java}.password.toHashes=false",
    ]


def prepare(env: Environment) -> None:
    """Writes the files that these options name, and the password for whoever collects the metrics."""
    if not env.settings.metrics_statsd:
        return
    passwords, rights = _files(env)
    password = env.passwords["kafka_jmx"]
    server_users.write_readable(rights, f"{USER} readonly\n", "kafka")
    # Java requires that only its own user can read it.
    server_users.write_owned(passwords, f"{USER} {password}\n", "kafka")
    write_private(env.state / PASSWORD_FILE, password)


def _files(env: Environment) -> tuple[Path, Path]:
    folder = folders.of_server(env.settings, "kafka")
    return folder / "jmx.password", folder / "jmx.access"
