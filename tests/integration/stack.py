"""A separate stack for the integration tests, with other ports and state folder, started by the real command.

Counts use clients that the application does not use: kafka-python, PyMySQL and plain HTTP.
"""

import base64
import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pymysql
from confluent_kafka import TopicPartition as ConfluentPartition
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from include.names import CLASSIFY_DAG, STATUSES, TABLES, origin_key
from include.settings import ROOT, Settings
from include.stack.airflow.api import AirflowApi
from include.stack.environment import Environment, load
from include.stack.ports import free
from include.stack.run import status, supervisor
from include.stack.run.status import Status
from include.stack.run.up import programs_of
from tests.hostile import HOSTILE, PROXIED

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
"""The number of this process, if several run tests side by side: each has a stack."""
STATE = ROOT / f".state-test früh & spät ({WORKER})"
"""A name with characters that users have in their folders."""
UP_SECONDS = 600
PATIENCE = 3
"""How many times slower a machine may be than the one where the bounds were chosen: they only detect hangs."""
LAST_LINES = 100
RATE = 5
"""Generated logs per second: each costs Spark and Kafka a round of requests, on processors that the tests share."""
BATCH_SECONDS = 30
"""Length of a batch in real-time mode, short enough that batches end during the tests."""
WAIT_MILLISECONDS = 200
"""Kafka answers fewer requests than with the default of 20, on processors that the tests share."""
RECOVERY_SECONDS = 60
"""The promise is 30 s after a server is up again; a slow machine that also runs the tests gets twice that."""
DASHBOARD = "http://127.0.0.1:9/d/logsieve"
LINEAGE_UI = "http://127.0.0.1:9/lineage"
"""Where the page links to; nobody is there."""
EPOCH = "SELECT epoch FROM logs.driver_lease WHERE name = 'stream_logs'"
LOADED = "SELECT SUM(last_offset) FROM logs.load_progress WHERE kafka_partition < 100"

DRIVER_CLASSES = {"org.apache.spark.deploy.SparkSubmit", "org.apache.spark.deploy.yarn.ApplicationMaster"}

Moment = dict[str, dict[int, int]]
"""The ends of both topics at one time: by topic, then by partition."""
Origin = tuple[int, int]


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Waits until the condition is true and returns its value; fails the test after PATIENCE times `seconds`."""
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)
    return found


class Stack:
    """The running stack, as seen from outside."""

    kubernetes: Any = None
    """With `--engine kubernetes`, the Cluster of tests/kubernetes/cluster.py."""

    def __init__(self, state: Path, ports: dict[str, int]) -> None:
        self.state = state
        self.ports = ports
        self.statsd = free("statsd")["statsd"]
        """Where Airflow and Spark send their own metrics. Nothing listens there but in test_own_metrics."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOGSIEVE_")}
        self.variables = {
            **inherited,
            **HOSTILE,
            **PROXIED,
            "LOGSIEVE_STATE": str(state),
            "LOGSIEVE_PARTS": str(Settings().parts),
            **{f"LOGSIEVE_PORT_{name.upper()}": str(port) for name, port in ports.items()},
            "LOGSIEVE_OWN_DAGS": str(ROOT / "examples" / "hourly_counts"),
            "LOGSIEVE_ANNOUNCE_MINUTES": "1440",  # the tests trigger it
            "LOGSIEVE_REALTIME_BATCH_SECONDS": str(BATCH_SECONDS),
            "LOGSIEVE_WAIT_MILLISECONDS": str(WAIT_MILLISECONDS),
            "LOGSIEVE_METRICS_DASHBOARD": DASHBOARD,
            "LOGSIEVE_LINEAGE_UI": LINEAGE_UI,
            "LOGSIEVE_METRICS_STATSD": f"localhost:{self.statsd}",
            "COLUMNS": "160",
        }

    def run(self, *args: str, seconds: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs ./logsieve as a user would, without standard input."""
        return subprocess.run(
            [str(ROOT / "logsieve"), *args],
            env=self.variables | variables,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE * seconds,
            umask=0o077,
        )

    def status(self) -> Status:
        """What `./logsieve status` shows, read in this process: the command would cost two seconds of a processor."""
        return status.read(self.env, programs_of(self.env))

    @property
    def passwords(self) -> dict[str, str]:
        return json.loads((self.state / "stack.json").read_text())["passwords"]

    @property
    def env(self) -> Environment:
        env = load(Settings(state=self.state, metrics_statsd=self.variables["LOGSIEVE_METRICS_STATSD"]))
        assert env is not None
        return env

    @property
    def settings(self) -> Settings:
        return Settings(
            state=self.state,
            kafka_bootstrap=f"127.0.0.1:{self.ports['kafka']}",
            kafka_security="SASL_PLAINTEXT",
            kafka_user="logsieve_admin",
            kafka_password=self.passwords["kafka_admin"],
            mysql_port=self.ports["mysql"],
            mysql_socket=str(self.state / "mysql" / "data" / "mysql.sock"),
            mysql_stream_password=self.passwords["mysql_stream"],
            mysql_reader_password=self.passwords["mysql_reader"],
            elasticsearch_url=f"http://127.0.0.1:{self.ports['elasticsearch']}",
            elasticsearch_user="logsieve_admin",
            elasticsearch_password=self.passwords["elasticsearch_admin"],
        )

    def root_sql(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        connection = pymysql.connect(
            host="127.0.0.1",
            port=self.ports["mysql"],
            user="root",
            password=self.passwords["mysql_root"],
            autocommit=True,
            init_command="SET time_zone = '+00:00'",
        )
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall())

    def search(self, path: str, body: Any = None, method: str | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['elasticsearch']}/{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json", "Authorization": self.authorization("admin")},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def authorization(self, account: str) -> str:
        """The header that logs an account in to Elasticsearch."""
        return (
            "Basic "
            + base64.b64encode(f"logsieve_{account}:{self.passwords[f'elasticsearch_{account}']}".encode()).decode()
        )

    @property
    def kafka(self) -> dict[str, Any]:
        """Options of kafka-python's clients: they may do anything."""
        return {
            "bootstrap_servers": f"127.0.0.1:{self.ports['kafka']}",
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": "logsieve_admin",
            "sasl_plain_password": self.passwords["kafka_admin"],
        }

    def consumer(self) -> KafkaConsumer:
        return KafkaConsumer(**self.kafka, enable_auto_commit=False, consumer_timeout_ms=10_000)

    def messages(self, topic: str, since: dict[int, int] | None = None) -> list[Any]:
        """Every message that the topic still has, from the given offsets up to its current end."""
        with contextlib.closing(self.consumer()) as consumer:
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(partitions)
            firsts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, max(firsts[partition], (since or {}).get(partition.partition, 0)))
            found = []
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for records in consumer.poll(timeout_ms=1000).values():
                    found += [record for record in records if record.offset < ends[_partition(record)]]
            return found

    def ends(self, topic: str) -> dict[int, int]:
        with contextlib.closing(self.consumer()) as consumer:
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            return {partition.partition: end for partition, end in consumer.end_offsets(partitions).items()}

    def send(self, values: list[bytes | None]) -> list[tuple[int, int]]:
        """Sends each value to server-logs with another client; returns their origins in order."""
        with contextlib.closing(KafkaProducer(**self.kafka)) as producer:
            sent = [producer.send("server-logs", value=value, key=str(i).encode()) for i, value in enumerate(values)]
            done = [future.get(timeout=30) for future in sent]
        return [(record.partition, record.offset) for record in done]

    def generate(self, count: int) -> None:
        """Sends generated logs, in addition to those of the DAG."""
        done = self.run("generate", "--count", str(count))
        assert done.returncode == 0, done.stderr

    def remove(self, topic: str, before: dict[int, int]) -> None:
        """Makes Kafka remove each partition's messages before an offset, as its retention does."""
        admin = self.env.outside.admin()  # must exist until Kafka has answered
        places = [ConfluentPartition(topic, number, offset) for number, offset in before.items()]
        for place, done in admin.delete_records(places).items():
            assert done.result(30).low_watermark == before[place.partition]

    def now(self) -> Moment:
        # The logs last: verdicts on logs sent from here on are after the status topic's end too.
        return {topic: self.ends(topic) for topic in ("server-logs-status", "server-logs")}

    @contextlib.contextmanager
    def away(self, name: str) -> Iterator[None]:
        """Stops a server; at the end starts it, and waits until it answers."""
        (server,) = [program for program in programs_of(self.env) if program.name == name]
        supervisor.proxy(self.env).stopProcess(name)
        try:
            yield
        finally:
            supervisor.proxy(self.env).startProcess(name, False)
            until(lambda: server.probe(self.env) is None, 60, f"{name} answers again")

    def rows(self, since: Moment | None = None) -> list[tuple[int, int, str]]:
        """Partition, offset and status of every row of a log that was sent since the moment."""
        first = (since or {}).get("server-logs", {})
        where = "WHERE kafka_partition < 100"
        if first:
            # A partition that was added since the moment is read completely.
            known = ", ".join(map(str, first))
            where += f" AND (kafka_offset >= {min(first.values())} OR kafka_partition NOT IN ({known}))"
        query = " UNION ALL ".join(
            f"SELECT kafka_partition, kafka_offset, CAST(status AS CHAR) FROM logs.{table} {where}"
            for table in TABLES.values()
        )
        return [row for row in self.root_sql(query) if row[1] >= first.get(row[0], 0)]  # type: ignore[misc]

    def loaded(self, since: Moment | None = None) -> set[Origin]:
        """Origins of the logs sent since the moment that have a row."""
        return {(partition, offset) for partition, offset, _ in self.rows(since)}

    def documents(self, origins: list[Origin]) -> dict[Origin, str]:
        """Status by origin, of the origins that have a document; fails if one has two."""
        keys = {origin_key(*origin): origin for origin in origins}
        hits = self.hits(list(keys))
        assert len({hit["_id"] for hit in hits}) == len(hits), "no log has two documents"
        return {keys[hit["_id"]]: hit["_source"]["status"] for hit in hits}

    def hits(self, keys: list[str]) -> list[dict[str, Any]]:
        """The documents with these ids: `_id`, `_index`, `_source`. A new one is found after up to a second."""
        found = []
        for start in range(0, len(keys), 5000):
            body = {"query": {"ids": {"values": keys[start : start + 5000]}}, "size": 10_000}
            found += self.search("server-logs/_search", body)["hits"]["hits"]
        return found

    def document(self, key: str) -> dict[str, Any]:
        """The document with this id, once it is found."""
        (hit,) = until(lambda: self.hits([key]), 10, f"the document {key} is found")
        return hit["_source"]  # type: ignore[no-any-return]

    def place(self, key: str) -> str:
        """The path of the document with this id: its index, and what requests for one document need."""
        (hit,) = until(lambda: self.hits([key]), 10, f"the document {key} is found")
        return f"{hit['_index']}/_doc/{key}"

    def first_device(self, account: int) -> str:
        """The device that the account is expected to have had before all loaded exports."""
        query = "SELECT user_device FROM dim_users.users_history WHERE account_no = %s AND valid_from = '1970-01-01'"
        return self.root_sql(query, (account,))[0][0]

    def counts(self) -> dict[str, int]:
        """The number of rows by status."""
        return {status: self.root_sql(f"SELECT COUNT(*) FROM logs.{TABLES[status]}")[0][0] for status in STATUSES}


def is_judged(message: Any) -> bool:
    """Whether the status message is a verdict of the stream: neither a correction nor foreign."""
    return any(name == "judged" for name, _ in message.headers)


def is_correction(message: Any) -> bool:
    """Whether the status message is from a rejudgement and not from the stream."""
    return any(name == "rejudged" for name, _ in message.headers)


def drivers(stack: Stack) -> list[psutil.Process]:
    """All streaming applications of this stack, however they were started."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if DRIVER_CLASSES & set(process.info["cmdline"] or [])
        and any(word.endswith("stream_logs.py") for word in process.info["cmdline"])
        and "waitAppCompletion" not in " ".join(process.info["cmdline"])  # it only submits one
        and is_of(stack, process)
    ]


def is_of(stack: Stack, process: psutil.Process) -> bool:
    """Whether the process is one of this stack's, and has not just ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        variables = process.environ()
        return str(stack.state) in (variables.get("LOGSIEVE_STATE"), variables.get("LOGSIEVE_STACK"))
    return False


def last_run(stack: Stack) -> dict[str, Any]:
    """The newest run of classify_logs."""
    run = AirflowApi(stack.env).last_run(CLASSIFY_DAG)
    assert run is not None
    return run


def last_words(stack: Stack) -> dict[str, str]:
    """By name, the ends of the logs of the newest driver, with a traceback of its threads, and of other programs."""
    logs = stack.state / "logs"
    newest = sorted(logs.glob("airflow/dag_id=classify_logs/*/*/*.log"), key=lambda log: log.stat().st_mtime)[-1:]
    for driver in drivers(stack) if newest else []:
        before = newest[0].stat().st_size
        with contextlib.suppress(psutil.NoSuchProcess, AssertionError):  # it may exit meanwhile, or write nothing
            for child in driver.children():
                if any(word.endswith("stream_logs.py") for word in child.cmdline()):
                    child.send_signal(signal.SIGUSR1)
            # The main thread's traceback is the last one, and ends with the module.
            until(
                lambda before=before: b"in <module>" in newest[0].read_bytes()[before:],
                5,
                "the tracebacks are in its log",
            )
    found = [*newest, *(logs / f"{name}.log" for name in ("indexer", "watchdog", "supervisord"))]
    return {str(log.relative_to(logs)): _last_lines(log) for log in found if log.exists()}


def _last_lines(log: Path) -> str:
    return "\n".join(map(_text, log.read_text(errors="replace").splitlines()[-LAST_LINES:]))


def _text(line: str) -> str:
    """The text of a log line: Airflow's are JSON, except a line that is incomplete."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(line)["event"])
    return line


def wait_until_it_loads(stack: Stack, seconds: float = 90) -> None:
    before = stack.root_sql(LOADED)
    until(lambda: stack.root_sql(LOADED) > before, seconds, "the stream is loading")


def wait_until_all_is_loaded(stack: Stack) -> None:
    """Waits until every log that has been sent by now is loaded."""
    ends = stack.ends("server-logs")

    def is_loaded() -> bool:
        progress = dict(stack.root_sql("SELECT kafka_partition, last_offset FROM logs.load_progress"))
        return all(progress.get(partition, -1) >= end - 1 for partition, end in ends.items())

    until(is_loaded, 60, "every log sent so far is loaded")


def check(stack: Stack, since: Moment | None = None) -> None:
    """Checks that every existing log, if sent since the moment, gets a row in exactly one table, exactly one status
    message and one document, all with the same status."""
    since = since or {}
    sent = {(message.partition, message.offset) for message in stack.messages("server-logs", since.get("server-logs"))}
    until(lambda: sent <= stack.loaded(since), 120, "every log is in a table")
    rows = [row for row in stack.rows(since) if row[:2] in sent]
    assert len(rows) == len(sent), "no log is in two tables"
    messages = stack.messages("server-logs-status", since.get("server-logs-status"))
    keys = [message.key for message in messages if not is_correction(message)]
    assert len(keys) == len(set(keys)), "no log was judged twice"
    assert {origin_key(*origin).encode() for origin in sent} <= set(keys), "every log has a status message"
    wanted = {(partition, offset): status for partition, offset, status in rows}
    until(lambda: stack.documents(list(wanted)) == wanted, 60, "every document matches its row")


def prove(stack: Stack, since: Moment | None = None) -> None:
    """Checks logs since the moment with other clients, and all logs with the command."""
    check(stack, since)
    done = stack.run("reconcile", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    for proof in json.loads(done.stdout):
        assert proof["logs"] == proof["keys"] == proof["rows"] == proof["documents"]


def _partition(record: Any) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
