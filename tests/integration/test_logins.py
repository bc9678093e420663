"""Every socket of the stack asks who is there, and each login can do what its program does and no more."""

import base64
import json
import socket
import ssl
import struct
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import psutil
import pymysql
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from include.names import INDEXER_GROUP, LOGS_TOPIC, STATUS_TOPIC
from include.stack.run import ownership
from include.stack.servers import kafka_users, mysql_users, search_users
from tests.integration.stack import Stack, drivers, wait_until_it_loads

SECONDS = 20
REFUSED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
KAFKA = ("sender", "stream", "indexer", "reader", "airflow")
MAY_READ = {LOGS_TOPIC: {"stream", "reader", "airflow"}, STATUS_TOPIC: {"stream", "indexer", "reader", "airflow"}}
MAY_SEND = {LOGS_TOPIC: {"sender", "airflow"}, STATUS_TOPIC: {"stream"}}


def login(stack: Stack, account: str, **options: Any) -> dict[str, Any]:
    """Options of librdkafka's clients that log this account in."""
    own = {"sasl.username": f"logsieve_{account}", "sasl.password": stack.passwords[f"kafka_{account}"]}
    return {**stack.env.outside.kafka, **own, "log_level": 0, **options}


def reads(kafka: Mapping[str, Any], topic: str) -> int | None:
    """The code of the error that the first message of partition 0 is refused with, or None."""
    options = {"group.id": INDEXER_GROUP, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({**kafka, **options})
    try:
        if (error := consumer.list_topics(topic, timeout=SECONDS).topics[topic].error) is not None:
            return int(error.code())
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(SECONDS)
        assert message is not None, "neither a message nor an error"
        return message.error().code() if message.error() else None
    except KafkaException as error:
        return error.args[0].code()
    finally:
        consumer.close()


def sends(kafka: Mapping[str, Any], topic: str) -> int | None:
    """The code of the error that a message which is neither log nor verdict is refused with, or None."""
    found: list[int | None] = []
    producer = Producer({**kafka, "message.timeout.ms": 1000 * SECONDS})
    producer.produce(topic, b"{}", partition=0, on_delivery=lambda error, _: found.append(error and error.code()))
    producer.flush(SECONDS)
    return found[0]


@pytest.mark.parametrize("topic", [LOGS_TOPIC, STATUS_TOPIC])
@pytest.mark.parametrize("account", KAFKA)
def test_an_account_reads_and_sends_what_its_program_does(stack: Stack, account: str, topic: str) -> None:
    kafka = login(stack, account)
    assert reads(kafka, topic) in ({None} if account in MAY_READ[topic] else REFUSED)
    if account not in MAY_SEND[topic]:
        assert sends(kafka, topic) in REFUSED
    elif topic == LOGS_TOPIC:
        assert sends(kafka, topic) is None


def test_every_account_is_tried(stack: Stack) -> None:
    assert {f"logsieve_{account}" for account in KAFKA} == set(kafka_users.RIGHTS)


@pytest.mark.parametrize("account", ["sender", "stream", "indexer", "reader"])
def test_only_airflow_creates_and_deletes_topics(stack: Stack, account: str) -> None:
    client = AdminClient(login(stack, account))
    for refused in (
        *client.create_topics([NewTopic("another", 1, 1)]).values(),
        *client.delete_topics([LOGS_TOPIC]).values(),
    ):
        with pytest.raises(KafkaException) as raised:
            refused.result(SECONDS)
        assert raised.value.args[0].code() in REFUSED
    assert LOGS_TOPIC in stack.env.outside.admin().list_topics(timeout=SECONDS).topics


@pytest.mark.parametrize(
    "wrong", [{"security.protocol": "PLAINTEXT"}, {"sasl.password": "guessed"}, {"sasl.mechanism": "PLAIN"}]
)
def test_kafka_refuses_whoever_has_no_login(stack: Stack, wrong: dict[str, str]) -> None:
    options = login(stack, "sender") | wrong
    for port in (stack.ports["kafka"], stack.ports["kafka_controller"]):
        with pytest.raises(KafkaException):
            AdminClient(options | {"bootstrap.servers": f"127.0.0.1:{port}"}).list_topics(timeout=3)


def ask(stack: Stack, account: str | None, method: str, path: str, body: Any = None) -> int:
    """The status of Elasticsearch's answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{stack.ports['elasticsearch']}/{path}",
        data=json.dumps(body).encode() if body is not None else None,
        headers={
            "Content-Type": "application/json",
            **({"Authorization": stack.authorization(account)} if account else {}),
        },
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


DOCUMENT: dict[str, Any] = {"status": "bad"}
REQUESTS: list[tuple[str, str, Any, set[str]]] = [
    ("GET", "server-logs/_count", None, {"reader", "indexer", "airflow"}),
    ("POST", "server-logs/_refresh", None, {"indexer", "airflow"}),
    ("DELETE", "server-logs-odd/_doc/none", None, {"indexer", "airflow"}),
    ("GET", "server-logs/_stats/docs", None, {"reader", "indexer", "airflow"}),
    ("GET", "server-logs-odd/_count", None, {"indexer", "airflow"}),
    ("PUT", "server-logs-before-2026.11.30", None, {"airflow"}),
    ("DELETE", "server-logs-before-2026.11.30", None, {"airflow"}),
    ("PUT", "another/_doc/1", DOCUMENT, set()),
    ("PUT", "another", None, set()),
    ("PUT", "_cluster/settings", {"persistent": {"action.auto_create_index": "true"}}, set()),
    ("GET", "_security/user", None, set()),
]


@pytest.mark.parametrize("account", ["reader", "indexer", "airflow", None])
def test_elasticsearch_does_for_an_account_what_its_program_needs(stack: Stack, account: str | None) -> None:
    for method, path, body, allowed in REQUESTS:
        found = ask(stack, account, method, path, body)
        wanted = {200, 404} if account in allowed else {403} if account else {401}
        assert found in wanted, (method, path)
    assert {f"logsieve_{name}" for *_, allowed in REQUESTS for name in allowed} == set(search_users.RIGHTS)


def test_a_web_page_cannot_close_the_index(stack: Stack) -> None:
    assert ask(stack, None, "POST", "server-logs/_close") == 401
    assert ask(stack, "admin", "GET", "server-logs/_count") == 200


def refuses_http(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/dags", timeout=SECONDS):
            return False
    except urllib.error.HTTPError as error:
        return error.code == 401


def refuses_tls(port: int) -> bool:
    """Whether a client without a certificate of the server is refused."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as plain, context.wrap_socket(plain) as door:
            return not door.recv(1)  # in TLS 1.3 the refusal comes after the handshake
    except OSError:
        return True


CHECKS: dict[str, Callable[[int], bool] | str] = {
    "airflow": refuses_http,
    "elasticsearch": refuses_http,
    "supervisor": refuses_http,
    "elasticsearch_transport": refuses_tls,
    "kafka": "test_kafka_refuses_whoever_has_no_login",
    "kafka_controller": "test_kafka_refuses_whoever_has_no_login",
    "kafka_jmx": "test_kafka_tells_nobody_without_the_password_and_obeys_nobody",
    "metrics": refuses_http,
    "mysql": "test_mysql_refuses_whoever_has_no_login",
}


def test_every_listening_socket_is_known_and_is_open_to_this_machine_only(stack: Stack) -> None:
    wait_until_it_loads(stack)
    of_port = {port: name for name, port in stack.ports.items()}
    of_drivers = {process.pid for driver in drivers(stack) for process in (driver, *driver.children(recursive=True))}
    seen = set()
    for process in ownership.own_processes(stack.env):
        for each in process.net_connections(kind="inet"):
            if each.status != psutil.CONN_LISTEN:
                continue
            assert each.laddr.ip.removeprefix("::ffff:") == "127.0.0.1", (process.cmdline(), each)
            # Spark's RPC asks for the secret of spark.authenticate, py4j and the accumulators for a token.
            if process.pid not in of_drivers:
                seen.add(of_port.get(each.laddr.port, f"{process.cmdline()} at {each.laddr.port}"))
    assert seen == set(CHECKS), "the Unix sockets of PostgreSQL and MySQL: test_machine"
    for name, check in CHECKS.items():
        assert isinstance(check, str) or check(stack.ports[name]), name


@contextmanager
def logins_to_mysql(stack: Stack) -> Iterator[set[tuple[str, str]]]:
    """Yields a set that has at the end the account and the way of every login meanwhile."""
    found: set[tuple[str, str]] = set()
    stack.root_sql("SET GLOBAL log_output = 'TABLE'")
    stack.root_sql("TRUNCATE mysql.general_log")
    stack.root_sql("SET GLOBAL general_log = ON")
    try:
        yield found
    finally:
        stack.root_sql("SET GLOBAL general_log = OFF")
        stack.root_sql("SET GLOBAL log_output = 'FILE'")
    # Such as "logsieve_reader@localhost on  using Socket".
    query = "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE command_type = 'Connect'"
    for (text,) in stack.root_sql(query):
        account, _, way = text.partition(" using ")
        found.add((account.split("@")[0], way))


def test_python_programs_reach_mysql_by_its_socket(stack: Stack) -> None:
    wait_until_it_loads(stack)
    with logins_to_mysql(stack) as seen:
        assert stack.run("status").returncode == 0
        for task in (("watch_logs", "lag"), ("watch_logs", "good_logs_is_filling"), ("bootstrap", "make_tables")):
            done = stack.run("airflow", "tasks", "test", *task)
            assert done.returncode == 0, done.stdout + done.stderr
    assert {("logsieve_reader", "Socket"), ("logsieve_airflow", "Socket")} <= seen
    by_port = {account for account, way in seen if way != "Socket"}
    assert by_port <= {"root", "logsieve_stream"}, "this test itself, and JDBC"
    # The driver's threads keep their connections.
    from_driver = (
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'logsieve_stream' AND host = 'localhost'"
    )
    assert stack.root_sql(from_driver)[0][0] >= stack.settings.topic_partitions
    for process in ownership.own_processes(stack.env):
        with suppress(psutil.NoSuchProcess):  # it has exited meanwhile
            reached = {each.raddr.port for each in process.net_connections("tcp") if each.raddr}
            assert stack.ports["mysql"] not in reached or process.name() == "java", process.cmdline()


@pytest.mark.parametrize("way", ["socket", "port"])
@pytest.mark.parametrize("user", ["root", *mysql_users.RIGHTS, "somebody", ""])
def test_mysql_refuses_whoever_has_no_login(stack: Stack, way: str, user: str) -> None:
    place = {"unix_socket": stack.settings.mysql_socket} if way == "socket" else {"port": stack.ports["mysql"]}
    for password in ("", "guessed"):
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            pymysql.connect(user=user, password=password, host="127.0.0.1", **place)


PY4J = b"c\nz:java.lang.System\ngetProperty\nuser.home\ne\n"
"""A command to the JVM, as py4j sends it, without the token."""
JAVA_OBJECT = b"\xac\xed\x00\x05sr\x00\x04Evil"
RPC = struct.pack(">qBqi", 8 + 1 + 8 + 4 + len(JAVA_OBJECT), 3, 1, len(JAVA_OBJECT)) + JAVA_OBJECT
"""A request of Spark's RPC with an object, without a handshake."""
WRONG_TOKEN = bytes(64)


def answer(port: int, sent: bytes) -> bytes | None:
    """The first bytes that the socket answers; empty if it hangs up, None if it waits for more."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as door:
        door.settimeout(SECONDS / 4)
        door.sendall(sent)
        try:
            return door.recv(400)
        except TimeoutError:
            return None
        except OSError:
            return b""


def test_a_driver_executes_nothing_for_a_stranger(stack: Stack) -> None:
    wait_until_it_loads(stack)
    found = []
    for driver in drivers(stack):
        for process in (driver, *driver.children(recursive=True)):
            ports = [each.laddr.port for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN]
            for port in ports:
                if process.name().startswith("java"):
                    refused = b"Authentication error" in (answer(port, PY4J) or b"")
                    refused = refused or b"Expected SaslMessage" in (answer(port, RPC) or b"")
                else:  # PySpark's accumulators
                    refused = answer(port, WRONG_TOKEN) == b""
                assert refused, (process.cmdline(), port)
                found.append(port)
    assert len(found) >= 4, "py4j, Spark's RPC and blocks, the accumulators"


def test_a_login_to_airflow_ends_with_the_day(stack: Stack) -> None:
    login = {"username": "viewer", "password": stack.passwords["airflow_viewer"]}
    token = httpx.post(f"{stack.env.airflow_url}/auth/token", json=login).raise_for_status().json()["access_token"]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 12 * 3600
