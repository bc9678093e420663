"""A user's own servers, with a login and TLS: the DAGs, the driver, the indexer and the commands work with them.

The logs are those of an example, which users with own servers have too: this also runs its contract to the end.
"""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import elastic_transport
import elasticsearch
import mysql.connector
import pymysql
import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from pydantic import SecretStr
from rich.console import Console

from include.clients import kafka
from include.clients.outside import Outside
from include.driver import lease
from include.names import LOGS_TOPIC, STATUSES, TABLES
from include.settings import ROOT, Settings
from include.stack.environment import SECRETS, Environment
from include.stack.own_servers import OwnServers
from include.stack.ports import Ports, free_ports
from include.stack.run import status
from include.stack.run.start import unpack
from include.stack.run.up import wipe
from include.stack.servers import elasticsearch_config, kafka_config, mysql_config, probes
from include.stack.servers.programs import servers
from include.stack.steps import Steps
from jobs.database import Database
from tests.integration import own_servers
from tests.integration.own_servers import HOST
from tests.integration.stack import Stack, until

STATE = ROOT / ".state-own-servers"
EXAMPLE = ROOT / "examples" / "cloudtrail"
CONTRACT = EXAMPLE / "contract.toml"
LOGS = 500


@dataclass
class Own:
    """The application's settings for the servers, and the variables that configure Airflow."""

    settings: Settings
    variables: dict[str, str]
    root_password: str

    def root_sql(self, sql: str, params: Any = ()) -> Any:
        reach = {"host": HOST, "port": self.settings.mysql_port, "ssl": {"ca": str(self.settings.mysql_ca)}}
        root = {"user": "root", "password": self.root_password, "autocommit": True}
        with pymysql.connect(**reach, **root) as connection, connection.cursor() as cursor:  # type: ignore[arg-type]
            cursor.execute(sql, params or None)
            return cursor.fetchall()

    def counts(self) -> dict[str, int]:
        return {status: self.root_sql(f"SELECT COUNT(*) FROM logs.{TABLES[status]}")[0][0] for status in STATUSES}

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs ./logsieve with the LOGSIEVE_ variables and these only."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LOGSIEVE_", "AIRFLOW"))}
        return subprocess.run(
            [str(ROOT / "logsieve"), *words],
            env=inherited | _named(self.settings) | variables, cwd="/", stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=400,
        )  # fmt: skip

    def answer(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def own(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """The servers, after the DAGs have had LOGS logs judged."""
    folder = STATE / "certificates"
    env = Environment(
        Settings(state=STATE, contract=CONTRACT),
        Ports(**free_ports()),
        {name: secrets.token_urlsafe(24) for name in SECRETS},
    )
    wipe(env)
    homes = unpack(env, Steps(Console()))
    ca = own_servers.certificates(folder, "kafka", "mysql", "elasticsearch")
    passwords = {"broker": secrets.token_urlsafe(), "logsieve": secrets.token_urlsafe() + '"\\'}
    kafka_config.prepare(env, homes.kafka)
    own_servers.ask_kafka_for_more(env, folder, {"broker": passwords["broker"]})
    mysql_config.prepare(env, homes.mysql)
    own_servers.ask_mysql_for_more(env, folder)
    elasticsearch_config.prepare(env, homes.elasticsearch)
    with ExitStack() as held:
        held.callback(wipe, env)
        for server in servers(env, homes):
            if server.name in ("kafka", "mysql", "elasticsearch"):
                held.enter_context(own_servers.running(env, server, STATE / f"{server.name}.log"))
        door = held.enter_context(own_servers.encrypted(env.ports.elasticsearch, folder))
        until(lambda: probes.mysql(env) is None, 60, "MySQL answers")
        until(lambda: probes.elasticsearch(env) is None, 120, "Elasticsearch answers")
        settings = Settings(
            state=STATE,
            contract=CONTRACT,
            kafka_bootstrap=f"{HOST}:{env.ports.kafka}",
            kafka_security="SASL_SSL",
            kafka_ca=ca,
            kafka_user="logsieve",
            kafka_password=SecretStr(passwords["logsieve"]),
            mysql_host=HOST,
            mysql_port=env.ports.mysql,
            mysql_socket="",  # not the stack's
            mysql_ca=ca,
            mysql_stream_password=SecretStr(env.passwords["mysql_stream"]),
            mysql_reader_password=SecretStr(env.passwords["mysql_reader"]),
            elasticsearch_url=f"https://{HOST}:{door}",
            elasticsearch_ca=ca,
            elasticsearch_user="logsieve_airflow",
            elasticsearch_password=SecretStr(env.passwords["elasticsearch_airflow"]),
            accounts=100,
        )
        broker = {"kafka_sasl_mechanism": "PLAIN", "kafka_user": "broker"}
        _add_kafka_user(
            settings.model_copy(update={**broker, "kafka_password": SecretStr(passwords["broker"])}), settings
        )
        variables = _variables(stack, settings, env.passwords["mysql_airflow"])
        made = Own(settings, variables, env.passwords["mysql_root"])
        airflow(made, "dags", "test", "bootstrap", "--mark-success-pattern", "(?!make_|check_).*")
        with indexing(made, tmp_path_factory.mktemp("own")):
            airflow(made, "dags", "test", "generate_logs", "--conf", json.dumps({"rate": LOGS, "seconds": 1}))
            airflow(made, "dags", "test", "users_dimension")
            airflow(made, "dags", "test", "classify_logs")
            airflow(made, "dags", "test", "reconcile_logs")
        yield made


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
    return {**stack.env.whole(), **_named(settings), **as_json}


def _named(settings: Settings) -> dict[str, str]:
    return {
        f"LOGSIEVE_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name in settings.model_fields_set
        for value in [getattr(settings, name)]
    }


def airflow(own: Own, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *words],
        env=own.variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@contextmanager
def indexing(own: Own, folder: Path) -> Iterator[None]:
    """The indexer runs."""
    with (folder / "indexer").open("wb") as log:
        indexer = subprocess.Popen([sys.executable, "-m", "include.index.indexer"], env=own.variables, stderr=log)
    try:
        yield
    finally:
        indexer.terminate()
        indexer.wait(timeout=60)


@contextmanager
def judging(own: Own, folder: Path) -> Iterator[None]:
    """A driver judges and loads; at the end it is asked to stop."""
    endless = ["dags", "test", "classify_logs", "--conf", json.dumps({"trigger": "realtime"})]
    with (folder / "driver").open("wb") as log:
        driver = subprocess.Popen(
            [sys.executable, "-m", "airflow", *endless], env=own.variables, stdout=log, stderr=log
        )
    try:
        until(lambda: status.read_own(OwnServers(own.settings)).healthy, 120, f"it judges; {folder / 'driver'}")
        yield
    finally:
        with closing(Outside(own.settings).mysql("stream", autocommit=True)) as connection:
            lease.ask_to_stop(connection.cursor())
        try:
            driver.wait(timeout=120)
        finally:
            driver.kill()


def test_every_log_passes_all_hops_over_tls(own: Own) -> None:
    counts = own.counts()
    assert sum(counts.values()) >= LOGS * 0.9
    assert all(counts.values()), counts
    with Outside(own.settings).search() as client:
        client.indices.refresh(index="server-logs")
        assert client.count(index="server-logs")["count"] == sum(counts.values())


def test_status_shows_own_servers_and_what_does_not_run(own: Own) -> None:
    done = own.run("status", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1, "neither a driver nor the indexer runs"
    servers = found["servers"]
    assert {name for name, health in servers.items() if health == "ok"} == {"kafka", "mysql", "elasticsearch"}
    assert "consumer group is empty" in servers["indexer"]
    assert found["stream"]["sentence"].startswith("No driver is running")
    assert found["mysql"] == found["elasticsearch"] == own.counts()
    assert found["logs_in"] == found["classified"] == sum(own.counts().values())
    assert found["dags"] == {}
    assert f"Elasticsearch {own.settings.elasticsearch_url}" in own.run("status").stdout


def test_commands_work_with_own_servers(own: Own, tmp_path: Path) -> None:
    done = own.run("tail", "server-logs-status", "--from-beginning", "--status", "bad", "--count", "3")
    verdicts = [line.split(" ", 2)[1:] for line in done.stdout.splitlines()]
    assert [json.loads(verdict)["status"] for _, verdict in verdicts] == ["bad"] * 3, done.stderr
    bad, origin = verdicts[0][0], verdicts[0][0].split("-")
    story = own.answer("why", bad)
    assert (story["status"], story["away"]) == ("bad", {})
    assert story["hops"]["MySQL"] == "logs.bad_logs"
    assert story["hops"]["Elasticsearch"].startswith(f"server-logs/_doc/{bad}: bad")
    ((account, region),) = own.root_sql(
        "SELECT account_id, aws_region FROM logs.good_logs WHERE account_id IS NOT NULL"
        " ORDER BY kafka_partition, kafka_offset LIMIT 1"
    )
    (period,) = own.answer("users", account)["periods"]
    assert (period["aws_region"], period["current"]) == (region, True)

    at = "WHERE kafka_partition = %s AND kafka_offset = %s"
    with indexing(own, tmp_path), judging(own, tmp_path):
        before = {(row["topic"], row["partition"]): row["next"] for row in own.answer("topics")}
        sent = own.run("generate", "--count", "200").stdout
        assert sum(map(int, re.findall(r"\d+", sent))) == 200
        after = {(row["topic"], row["partition"]): row["next"] for row in own.answer("topics")}
        assert sum(after[place] - before[place] for place in after if place[0] == "server-logs") == 200
        total = sum(end for (topic, _), end in after.items() if topic == "server-logs")
        until(lambda: sum(own.counts().values()) == total, 60, "they are loaded")
        assert sum(proof["rows"] for proof in own.answer("reconcile")) == total
        own.root_sql(f"DELETE FROM logs.bad_logs {at}", origin)
        assert own.run("reconcile").returncode == 1, "a row is missing"
        assert sum(proof["documents"] for proof in own.answer("reconcile", "--repair")) == total

        (reasons,) = own.root_sql(f"SELECT reasons FROM logs.bad_logs {at}", origin)[0]
        own.root_sql(f"UPDATE logs.bad_logs SET reasons = '[\"of_old\"]' {at}", origin)
        replayed = own.answer("replay", "--reason", "of_old")
        assert replayed["changes"] == [{"was": "bad", "now": "bad", "changed": True, "logs": 1}]
        assert own.root_sql(f"SELECT reasons FROM logs.bad_logs {at}", origin) == ((reasons,),)

        own.root_sql("UPDATE dim_users.users_history SET usual_region = 'another' WHERE account_id = %s", (account,))
        rejudged = own.answer("rejudge", "--account", account)
        assert {"good", "suspicious"} == {rejudged["changes"][0]["was"], rejudged["changes"][0]["now"]}
        assert rejudged["sent"] > 0
        assert own.root_sql("SELECT COUNT(*) FROM logs.good_logs WHERE account_id = %s", (account,)) == ((0,),)


def test_the_sample_gets_the_verdicts_beside_it(own: Own, tmp_path: Path) -> None:
    logs = (EXAMPLE / "logs.jsonl").read_bytes().splitlines()
    verdicts = [line.split() for line in (EXAMPLE / "verdicts.txt").read_text().splitlines()]
    header, *users = (EXAMPLE / "accounts.csv").read_text().splitlines()
    for user in users:
        history = f"dim_users.users_history ({header}, valid_from, seen_from)"
        own.root_sql(f"INSERT INTO {history} VALUES (%s, %s, '1970-01-01', CURDATE())", user.split(","))
    sender = Producer({**kafka.native(own.settings), "acks": "all"})
    origins: dict[bytes, tuple[Any, Any]] = {}
    for log in logs:
        sender.produce(LOGS_TOPIC, log, on_delivery=lambda _, sent: origins.setdefault(sent.value(), _origin(sent)))
    assert sender.flush(60) == 0
    with indexing(own, tmp_path), judging(own, tmp_path):
        total = sum(row["next"] for row in own.answer("topics") if row["topic"] == LOGS_TOPIC)
        until(lambda: sum(own.counts().values()) == total, 60, "they are loaded")
        assert sum(proof["documents"] for proof in own.answer("reconcile")) == total
    found = {
        row[:2]: [row[2], *json.loads(row[3])]
        for table in TABLES.values()
        for row in own.root_sql(f"SELECT kafka_partition, kafka_offset, status, reasons FROM logs.{table}")
    }
    assert [found[origins[log]] for log in logs] == verdicts


def test_another_contract_takes_effect_with_the_login_of_the_dags(own: Own, tmp_path: Path) -> None:
    file = tmp_path / "contract.toml"
    field = '[[field]]\nname = "vpc_endpoint"\npath = "vpcEndpointId"\ntype = "text"\nrequired = false\n\n[[rule]]'
    file.write_text(CONTRACT.read_text(encoding="utf-8").replace("[[rule]]", field, 1), encoding="utf-8")
    assert "Set LOGSIEVE_MYSQL_AIRFLOW_PASSWORD" in own.run("contract", "apply", str(file)).stderr
    password = json.loads(own.variables["AIRFLOW_CONN_MYSQL"])["password"]
    done = own.run("contract", "apply", str(file), "--json", LOGSIEVE_MYSQL_AIRFLOW_PASSWORD=password)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["in_effect"] == 2
    log = json.loads((EXAMPLE / "logs.jsonl").read_text(encoding="utf-8").splitlines()[0]) | {"vpcEndpointId": "vpce-1"}
    sender = Producer({**kafka.native(own.settings), "acks": "all"})
    sender.produce(LOGS_TOPIC, json.dumps(log).encode())
    assert sender.flush(60) == 0
    with indexing(own, tmp_path):
        airflow(own, "dags", "test", "classify_logs")
        assert own.run("reconcile", "--json").returncode == 0
    found = [
        row
        for table in TABLES.values()
        for row in own.root_sql(f"SELECT contract_version, vpc_endpoint FROM logs.{table} WHERE contract_version > 1")
    ]
    assert found == [(2, "vpce-1")]


def _origin(message: Any) -> tuple[Any, Any]:
    return message.partition(), message.offset()


def test_a_server_with_another_certificate_is_refused(own: Own, tmp_path: Path) -> None:
    stranger = own_servers.certificates(tmp_path / "other", "nobody")
    update = {"kafka_ca": stranger, "mysql_ca": stranger, "elasticsearch_ca": stranger}
    fooled = own.settings.model_copy(update=update)
    with pytest.raises(mysql.connector.Error, match=r"(?i)certificate"):
        Database.of(fooled).connect()
    with pytest.raises(elastic_transport.TlsError), Outside(fooled).search() as client:
        client.count(index="server-logs")
    with pytest.raises(KafkaException):
        AdminClient({**kafka.native(fooled), "log_level": 0}).list_topics(timeout=5)


def test_a_client_without_a_valid_login_gets_nothing(own: Own) -> None:
    stranger = own.settings.model_copy(
        update={name: SecretStr("guessed") for name in ("kafka_password", "elasticsearch_password")}
    )
    with pytest.raises(elasticsearch.AuthenticationException), Outside(stranger).search() as client:
        client.count(index="server-logs")
    with pytest.raises(KafkaException):
        AdminClient({**kafka.native(stranger), "log_level": 0}).list_topics(timeout=5)
