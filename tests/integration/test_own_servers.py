"""A user's own servers, with a login and TLS: the DAGs, the driver and the indexer work with them."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import elastic_transport
import elasticsearch
import mysql.connector
import pymysql
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from pydantic import SecretStr

from include import scratch
from include.clients import kafka
from include.index.template import connect
from include.names import STATUSES, TABLES
from include.settings import ROOT, Settings
from include.stack.environment import SECRETS, Environment, Ports, free_ports
from include.stack.fetch import parts
from include.stack.run.up import wipe
from include.stack.servers import configs, probes
from include.stack.servers.programs import Homes, servers
from jobs.database import Database
from tests.integration import own_servers
from tests.integration.own_servers import HOST
from tests.integration.stack import Stack, until

STATE = ROOT / ".state-own-servers"
LOGS = 500


@dataclass
class Own:
    """The application's settings for the servers, and the variables that configure Airflow."""

    settings: Settings
    variables: dict[str, str]
    root_password: str

    def counts(self) -> dict[str, int]:
        reach = {"host": HOST, "port": self.settings.mysql_port, "ssl": {"ca": str(self.settings.mysql_ca)}}
        with pymysql.connect(**reach, user="root", password=self.root_password) as connection:  # type: ignore[arg-type]
            cursor = connection.cursor()
            found = {}
            for status in STATUSES:
                cursor.execute(f"SELECT COUNT(*) FROM logs.{TABLES[status]}")
                found[status] = cursor.fetchone()[0]
            return found


@pytest.fixture(scope="module")
def own(stack: Stack) -> Iterator[Own]:
    folder = STATE / "certificates"
    env = Environment(
        Settings(state=STATE), Ports(**free_ports()), {name: secrets.token_urlsafe(24) for name in SECRETS}
    )
    wipe(env)
    scratch.make(env.settings)
    ca = own_servers.certificates(folder, "kafka", "mysql", "elasticsearch")
    STATE.chmod(0o711)
    jars, libaio = parts.fetch_jars(env.settings.parts), parts.fetch_libaio(env.settings.parts)
    mysql = parts.unpack_mysql(env.settings.parts, jars)
    homes = Homes(jars, libaio, mysql, configs.elasticsearch(env, jars))
    passwords = {"broker": secrets.token_urlsafe(), "logsieve": secrets.token_urlsafe() + '"\\'}
    configs.kafka(env, jars)
    own_servers.ask_kafka_for_more(env, folder, {"broker": passwords["broker"]})
    configs.mysql(env, mysql, libaio)
    own_servers.ask_mysql_for_more(env, folder)
    with ExitStack() as held:
        held.callback(wipe, env)
        for server in servers(env, homes):
            if server.name in ("kafka", "mysql", "elasticsearch"):
                held.enter_context(own_servers.running(env, server, STATE / f"{server.name}.log"))
        door = held.enter_context(
            own_servers.guarded(env.ports.elasticsearch, folder, "elastic", env.passwords["mysql_reader"])
        )
        until(lambda: probes.mysql(env) is None, 60, "MySQL answers")
        until(lambda: probes.elasticsearch(env) is None, 120, "Elasticsearch answers")
        settings = Settings(
            state=STATE,
            kafka_bootstrap=f"{HOST}:{env.ports.kafka}",
            kafka_security="SASL_SSL",
            kafka_ca=ca,
            kafka_user="logsieve",
            kafka_password=SecretStr(passwords["logsieve"]),
            mysql_host=HOST,
            mysql_port=env.ports.mysql,
            mysql_ca=ca,
            mysql_stream_password=SecretStr(env.passwords["mysql_stream"]),
            elasticsearch_url=f"https://{HOST}:{door}",
            elasticsearch_ca=ca,
            elasticsearch_user="elastic",
            elasticsearch_password=SecretStr(env.passwords["mysql_reader"]),
            accounts=100,
        )
        broker = {"kafka_sasl_mechanism": "PLAIN", "kafka_user": "broker"}
        _add_kafka_user(
            settings.model_copy(update={**broker, "kafka_password": SecretStr(passwords["broker"])}), settings
        )
        yield Own(settings, _variables(stack, settings, env.passwords["mysql_airflow"]), env.passwords["mysql_root"])


def _add_kafka_user(broker: Settings, wanted: Settings) -> None:
    client = AdminClient({**kafka.native(broker), "log_level": 0})

    def answers() -> bool:
        try:
            return bool(client.list_topics(timeout=5).brokers)
        except KafkaException:
            return False

    until(answers, 60, "Kafka answers")
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    password = wanted.kafka_password.get_secret_value().encode()
    added = UserScramCredentialUpsertion(wanted.kafka_user, credential, password)
    for done in client.alter_user_scram_credentials([added]).values():
        done.result(30)


def _variables(stack: Stack, settings: Settings, airflow_password: str) -> dict[str, str]:
    """The variables of docs/own-servers.md: the settings as LOGSIEVE_…, and three Airflow connections."""
    variables = {
        f"LOGSIEVE_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name in settings.model_fields_set
        for value in [getattr(settings, name)]
    }
    ca = str(settings.mysql_ca)
    checked = {"client": "mysql-connector-python", "ssl_ca": ca, "ssl_verify_cert": True, "ssl_verify_identity": True}
    connections = {
        "kafka": {
            "conn_type": "kafka",
            "extra": {**kafka.native(settings), "group.id": "airflow", "enable.auto.commit": False},
        },
        "mysql": {
            "conn_type": "mysql", "host": HOST, "port": settings.mysql_port, "login": "logsieve_airflow",
            "password": airflow_password, "extra": checked,
        },
        "elasticsearch": {
            "conn_type": "elasticsearch", "host": HOST, "port": int(settings.elasticsearch_url.rsplit(":")[-1]),
            "schema": "https", "login": settings.elasticsearch_user,
            "password": settings.elasticsearch_password.get_secret_value(), "extra": {"ca_certs": ca},
        },
    }  # fmt: skip
    as_json = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(parts) for name, parts in connections.items()}
    return {**stack.env.whole(), **variables, **as_json}


def airflow(own: Own, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *words],
        env=own.variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def test_every_log_passes_all_hops_over_tls(own: Own, tmp_path: Path) -> None:
    for task in ("make_topics", "make_tables", "make_index"):
        airflow(own, "tasks", "test", "bootstrap", task)
    indexer = subprocess.Popen(
        [sys.executable, "-m", "include.index.indexer"], env=own.variables, stderr=(tmp_path / "indexer").open("wb")
    )
    try:
        airflow(own, "dags", "test", "generate_logs", "--conf", json.dumps({"rate": LOGS, "seconds": 1}))
        airflow(own, "dags", "test", "users_dimension")
        airflow(own, "dags", "test", "classify_logs")
        airflow(own, "dags", "test", "reconcile_logs")
    finally:
        indexer.terminate()
        indexer.wait(timeout=60)
    counts = own.counts()
    assert sum(counts.values()) >= LOGS * 0.9
    assert all(counts.values()), counts
    with connect(own.settings) as client:
        client.indices.refresh(index="server-logs")
        assert client.count(index="server-logs")["count"] == sum(counts.values())


def test_a_server_with_another_certificate_is_refused(own: Own, tmp_path: Path) -> None:
    stranger = own_servers.certificates(tmp_path / "other", "nobody")
    update = {"kafka_ca": stranger, "mysql_ca": stranger, "elasticsearch_ca": stranger}
    fooled = own.settings.model_copy(update=update)
    with pytest.raises(mysql.connector.Error, match=r"(?i)certificate"):
        Database.of(fooled).connect()
    with pytest.raises(elastic_transport.TlsError), connect(fooled) as client:
        client.count(index="server-logs")
    with pytest.raises(KafkaException):
        AdminClient({**kafka.native(fooled), "log_level": 0}).list_topics(timeout=5)


def test_a_client_without_a_valid_login_gets_nothing(own: Own) -> None:
    stranger = own.settings.model_copy(
        update={name: SecretStr("guessed") for name in ("kafka_password", "elasticsearch_password")}
    )
    with pytest.raises(elasticsearch.AuthenticationException), connect(stranger) as client:
        client.count(index="server-logs")
    with pytest.raises(KafkaException):
        AdminClient({**kafka.native(stranger), "log_level": 0}).list_topics(timeout=5)
