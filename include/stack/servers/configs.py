"""Writes the configuration files of the servers and initialises their data folders once."""

import json
import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from include.stack.environment import HOST, Environment
from include.stack.errors import StackError
from include.stack.fetch.parts import unpack_elasticsearch, unpack_postgres, whole
from include.stack.private import cluster_id, write_private
from include.stack.servers import airflow_metadata, mysql_users, quiet_search
from include.stack.servers.other_user import folder_of, hand_over, never_root

YIELDING = ("nice", "-n", "10")
"""Prefix for a command that yields the CPU to more urgent programs."""

REMEDY = "Run ./logsieve doctor; ./logsieve up --fresh starts from scratch."

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

MYSQL = {
    "mysqlx": "OFF",
    "character_set_server": "utf8mb4",
    "default_time_zone": "+00:00",
    "local_infile": "ON",
    "secure_file_priv": "NULL",
    "performance_schema": "OFF",
    "innodb_buffer_pool_size": "256M",
    "innodb_io_capacity": "2000",
    "innodb_adaptive_hash_index": "OFF",
    "max_connections": "100",
    "innodb_max_undo_log_size": "67108864",
}
"""MySQL's settings, valid for 8.0 and 8.4; a test keeps docker-compose.airflow.yml identical."""


def _lines(settings: dict[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in settings.items())


def _java_text(path: Path) -> str:
    """A path as a value in a Java properties file: ASCII, with other characters escaped."""
    return "".join(
        letter if letter.isascii() else "".join(f"\\u{unit.hex()}" for unit in _units(letter)) for letter in str(path)
    )


def _units(letter: str) -> list[bytes]:
    encoded = letter.encode("utf-16-be")
    return [encoded[at : at + 2] for at in range(0, len(encoded), 2)]


def kafka(env: Environment, jars: Path) -> None:
    """Writes server.properties of one KRaft node, and formats its storage. Raises StackError."""
    home, ports = env.state / "kafka", env.ports
    data = home / "data"
    properties = home / "server.properties"
    write_private(
        properties,
        f"""controller.quorum.voters=1@{HOST}:{ports.kafka_controller}
listeners=PLAINTEXT://{HOST}:{ports.kafka},CONTROLLER://{HOST}:{ports.kafka_controller}
advertised.listeners=PLAINTEXT://{HOST}:{ports.kafka}
log.dirs={_java_text(data)}
{_lines(KAFKA)}
""",
    )
    if (data / "meta.properties").exists():
        return
    tool = [
        *YIELDING,
        "java",
        "-Xmx64m",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        f"{jars}/kafka/*",
        "kafka.tools.StorageTool",
    ]
    _run(env, [*tool, "format", "-t", cluster_id(), "-c", str(properties)], "Kafka's storage could not be formatted")


def mysql(env: Environment, home: Path, libaio: Path) -> None:
    """Writes my.cnf and the users with their rights, and initialises the data folder. Raises StackError."""
    folder = env.state / "mysql"
    data, users, cnf = folder / "data", folder / "users.sql", folder / "my.cnf"
    # mysqld runs this file at every start.
    lines = mysql_users.statements(env.passwords, HOST, root=True)
    write_private(users, "".join(f"{line};\n" for line in lines))
    write_private(
        cnf,
        f"""[mysqld]
basedir={home}
datadir={data}
port={env.ports.mysql}
bind_address={HOST}
socket=mysql.sock
skip_name_resolve
skip_log_bin
init_file={users}
innodb_log_file_size=256M
{_lines(MYSQL)}
""",
    )
    if (data / "mysql.ibd").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    command = [*YIELDING, str(home / "bin" / "mysqld"), "--no-defaults", f"--basedir={home}", f"--datadir={data}"]
    command += ["--initialize-insecure", "--innodb-log-file-size=256M"]
    command += ["--user=root"] if os.geteuid() == 0 else []
    _run(env, command, "MySQL's data folder could not be initialised", variables={"LD_LIBRARY_PATH": str(libaio)})


def postgres_home(env: Environment, jars: Path) -> Path:
    """Copies the server to a folder that its user can read; returns the folder."""
    unpacked = unpack_postgres(env.settings.parts, jars)
    home = folder_of(env, "postgres") / unpacked.name
    if not home.exists():
        with whole(home) as folder:
            shutil.copytree(unpacked, folder, symlinks=True, dirs_exist_ok=True)
        hand_over(home)
    (home.parent / "tmp").mkdir(exist_ok=True)
    hand_over(home.parent / "tmp")
    return home


def postgres(env: Environment, home: Path) -> None:
    """Initialises PostgreSQL's data folder. Raises StackError."""
    folder = folder_of(env, "postgres")
    data = folder / "data"
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data, ignore_errors=True)
        password = folder / "password"
        write_private(password, env.passwords["postgres"])
        hand_over(folder)
        command = [str(home / "bin" / "initdb"), "-D", str(data), "-U", "airflow", f"--pwfile={password}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        what = "PostgreSQL's data folder could not be initialised"
        _run(env, command, what, folder=folder, cwd=folder, user=never_root())
        password.unlink()


def postgres_command(env: Environment, home: Path) -> list[str]:
    """The command that starts PostgreSQL: on loopback TCP only, with little memory."""
    settings = {
        "listen_addresses": HOST,
        "port": str(env.ports.postgres),
        "unix_socket_directories": "",
        "shared_buffers": "64MB",
        "max_connections": "60",
        "max_wal_size": "128MB",
        "timezone": "UTC",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [str(home / "bin" / "postgres"), "-D", str(folder_of(env, "postgres") / "data"), *options]


def elasticsearch(env: Environment, jars: Path) -> Path:
    """Unpacks Elasticsearch and writes its configuration; returns its folder."""
    folder = folder_of(env, "elasticsearch")
    home = unpack_elasticsearch(jars, folder)
    for name in ("data", "logs", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (home / "config" / "elasticsearch.yml").write_text(
        f"""cluster.name: logsieve
discovery.type: single-node
network.host: {HOST}
http.port: {env.ports.elasticsearch}
transport.port: {env.ports.elasticsearch_transport}
path.data: {json.dumps(str(folder / "data"), ensure_ascii=False)}
path.logs: {json.dumps(str(folder / "logs"), ensure_ascii=False)}
xpack.security.enabled: false
action.auto_create_index: false
cluster.routing.allocation.disk.watermark.low: 2gb
cluster.routing.allocation.disk.watermark.high: 1gb
cluster.routing.allocation.disk.watermark.flood_stage: 500mb
"""
    )
    quiet_search.write(home / "config")
    hand_over(folder)
    return home


def airflow(env: Environment) -> None:
    """Writes the logins and migrates the metadata to the installed Airflow; needs a running PostgreSQL."""
    home = env.state / "airflow"
    airflow_metadata.write_logins(home / "passwords.json", env.passwords)
    stamp = home / "migrated"
    wanted = f"{version('apache-airflow')}\n{airflow_metadata.OURS.read_text(encoding='utf-8')}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    airflow_metadata.migrate(env.metadata_url, env.whole(), REMEDY)
    stamp.write_text(wanted)


def _run(
    env: Environment, command: list[str], what: str, *, folder: Path | None = None,
    variables: dict[str, str] | None = None, **options: Any,
) -> None:  # fmt: skip
    variables = env.machine(folder) | (variables or {})
    done = subprocess.run(command, capture_output=True, text=True, env=variables, **options)
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise StackError(f"{what}: {' '.join(lines[-3:])}", REMEDY)
