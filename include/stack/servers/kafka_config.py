"""Prepares the embedded Kafka: one node that is broker and controller (KRaft)."""

import secrets
from pathlib import Path
from typing import Final

from include.stack import folders
from include.stack.environment import HOST, Environment
from include.stack.fetch import jmx_agent
from include.stack.private import cluster_id, write_private
from include.stack.servers import server_users, tools
from include.stack.servers.kafka_users import ADMIN, BROKER

KAFKA = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # Ten years. By default Kafka drops the committed offsets of a stopped indexer after seven days.
    "offsets.retention.minutes": "5256000",
    # A restarted broker waits for its old session to expire: nine seconds by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "controller.socket.timeout.ms": "5000",
    # Expired segments are deleted within one minute instead of five. Kafka's internal topics use small segments.
    "log.retention.check.interval.ms": "60000",
    "offsets.topic.segment.bytes": "16777216",
    "metadata.log.segment.bytes": "16777216",
    "metadata.max.retention.bytes": "67108864",
}
"""Kafka's settings except addresses; a test keeps docker-compose.airflow.yml identical."""

FSYNC = {"log.flush.interval.messages": "1"}
"""By default, Kafka leaves the writing to the operating system, and a power failure costs what was not written."""

JMX_USER: Final = "logsieve_jmx"
"""Can read, and nothing else."""
JMX_PASSWORD: Final = "kafka-jmx-password"  # noqa: S105  # a name
"""File in the state, for whoever collects the metrics: docs/metrics-of-servers.md."""


def prepare(env: Environment, jars: Path) -> str:
    """Writes server.properties and formats the storage once. Returns the password of the user BROKER.

    `jars`: folder of Kafka's jars. Raises StackError.
    """
    home = folders.of_server(env.settings, "kafka")
    data, path, password = home / "data", home / "server.properties", secrets.token_urlsafe(24)
    server_users.write_readable(path, properties(env, password), "kafka")
    prepare_jmx(env)
    if env.settings.metrics_statsd:
        agent, *_ = _jmx_files(env)
        jmx_agent.write(env.settings.parts / "jars", agent)
        server_users.share(agent, "kafka", deep=False)
    if (data / "meta.properties").exists():
        return password
    java = ["java", "-Xmx64m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*", "kafka.tools.StorageTool"]
    command = [*tools.YIELDING, *java, "format", "-t", cluster_id(), "-c", str(path)]
    tools.run(env, "kafka", command, "Kafka's storage could not be formatted")
    return password


def properties(env: Environment, password: str) -> str:
    """The text of server.properties. `password`: of the user BROKER."""
    ports, data = env.ports, folders.of_server(env.settings, "kafka") / "data"
    return f"""controller.quorum.voters=1@{HOST}:{ports.kafka_controller}
listeners=CLIENT://{HOST}:{ports.kafka},CONTROLLER://{HOST}:{ports.kafka_controller}
advertised.listeners=CLIENT://{HOST}:{ports.kafka}
log.dirs={_java_text(data)}
{_logins(password)}
{tools.lines(KAFKA | (FSYNC if env.settings.fsync else {}))}
"""


def jmx_options(env: Environment) -> list[str]:
    """Options of Kafka's Java that open JMX, its only means to tell its own metrics: on loopback, for JMX_USER.

    None if LOGSIEVE_METRICS_STATSD is empty.
    """
    if not env.settings.metrics_statsd:
        return []
    agent, passwords, rights = _jmx_files(env)
    java, module = "com.sun.management.jmxremote", "jdk.management.agent"
    return [
        # In place of `jmxremote.port`: see there.
        f"-javaagent:{agent}={env.ports.kafka_jmx}",
        f"--add-modules={module}",
        f"--add-exports={module}/sun.management.jmxremote=ALL-UNNAMED",
        f"-D{java}.host={HOST}",
        f"-D{java}.rmi.port={env.ports.kafka_jmx}",
        f"-Djava.rmi.server.hostname={HOST}",
        f"-D{java}.ssl=false",
        f"-D{java}.authenticate=true",
        f"-D{java}.password.file={passwords}",
        f"-D{java}.access.file={rights}",
        # By default Java rewrites the file.
        f"-D{java}.password.toHashes=false",
    ]


def prepare_jmx(env: Environment) -> None:
    """Writes the password and what it allows, for these options and for whoever collects the metrics."""
    if not env.settings.metrics_statsd:
        return
    _, passwords, rights = _jmx_files(env)
    password = env.passwords["kafka_jmx"]
    server_users.write_readable(rights, f"{JMX_USER} readonly\n", "kafka")
    # Java requires that only its own user can read it.
    server_users.write_owned(passwords, f"{JMX_USER} {password}\n", "kafka")
    write_private(env.state / JMX_PASSWORD, password)


def _jmx_files(env: Environment) -> tuple[Path, Path, Path]:
    """The agent, the passwords, and who may do what."""
    folder = folders.of_server(env.settings, "kafka")
    return folder / "jmx.jar", folder / "jmx.password", folder / "jmx.access"


def _logins(password: str) -> str:
    """Clients log in by SCRAM, which shows a false server no password. KRaft's controller has no SCRAM, only PLAIN."""
    modules = "org.apache.kafka.common.security"
    login = f'{modules}.plain.PlainLoginModule required username="{BROKER}" password="{password}"'
    broker = f'{login} user_{BROKER}="{password}";'
    return f"""listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=CLIENT
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config={broker}
listener.name.client.plain.sasl.jaas.config={broker}
listener.name.client.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{BROKER};User:{ADMIN}"""


def _java_text(path: Path) -> str:
    """A path as a value in a Java properties file: ASCII, with other characters escaped."""
    return "".join(
        letter if letter.isascii() else "".join(f"\\u{unit.hex()}" for unit in _units(letter)) for letter in str(path)
    )


def _units(letter: str) -> list[bytes]:
    encoded = letter.encode("utf-16-be")
    return [encoded[at : at + 2] for at in range(0, len(encoded), 2)]
