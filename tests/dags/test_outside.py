"""The DAGs reach Kafka, MySQL and Elasticsearch as their Airflow connections say."""

import json
from datetime import timedelta
from typing import Any

import pytest


def test_clients_are_made_from_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.outside import Connections

    kafka = {"bootstrap.servers": "127.0.0.1:1", "group.id": "airflow"}
    search = {"schema": "https", "host": "search.example.org", "port": 9200, "login": "me", "password": "secret"}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA", json.dumps({"conn_type": "kafka", "extra": kafka}))
    monkeypatch.setenv("AIRFLOW_CONN_ELASTICSEARCH", json.dumps({"conn_type": "elasticsearch", **search}))
    outside = Connections()
    assert outside.kafka == kafka
    with outside.looking("another") as consumer:
        assert consumer.assignment() == [], "it has not joined"
    with outside.search() as client:
        (node,) = client.transport.node_pool.all()
        assert node.base_url == "https://search.example.org:9200"


@pytest.mark.parametrize("extra", [{"unix_socket": "/srv/mysql.sock"}, {}])
def test_every_client_of_mysql_uses_the_socket_that_the_connection_names(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, str]
) -> None:
    from plugins.filling import filling_sensors
    from plugins.mysql_hook import MySqlOperator
    from plugins.outside import Connections

    parts = {"conn_type": "mysql", "host": "127.0.0.1", "port": 3307, "login": "me", "password": "secret"}
    client = {"client": "mysql-connector-python"}
    monkeypatch.setenv("AIRFLOW_CONN_MYSQL", json.dumps({**parts, "extra": client | extra}))
    used: list[dict[str, Any]] = []

    def connect(**options: Any) -> None:
        used.append(options)
        raise ConnectionError

    monkeypatch.setattr("mysql.connector.connect", connect)
    sensor = filling_sensors(timedelta(minutes=1))[-1]
    operator = MySqlOperator(task_id="make_tables", sql="SELECT 1")
    for client in (
        Connections().mysql, Connections().users, lambda: sensor.poke({}), lambda: operator.execute({"ti": None}),
    ):  # fmt: skip
        with pytest.raises(ConnectionError):
            client()
    wanted = extra or {"host": "127.0.0.1", "port": 3307}
    assert [{name: each[name] for name in wanted} for each in used] == [wanted] * 4
    assert [each.get("allow_local_infile", False) for each in used] == [False, True, False, False]
    assert [each["database"] or "" for each in used] == ["", "dim_users", "", ""]


def test_the_address_of_the_metadata_keeps_any_password_and_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from psycopg2.extensions import parse_dsn
    from sqlalchemy.engine import make_url

    from plugins import metadata

    parts = {"host": "/früh & spät/tmp", "login": "me", "password": "p@ss/w+rd %", "schema": "airflow"}
    monkeypatch.setenv("AIRFLOW_CONN_METADATA", json.dumps({"conn_type": "postgres", **parts}))
    address = metadata.address()
    wanted = {"host": parts["host"], "user": "me", "password": parts["password"], "dbname": "airflow", "port": "5432"}
    assert parse_dsn(address.replace("+psycopg2", "")) == wanted
    assert make_url(address).password == parts["password"]
    assert make_url(address).query == {"host": parts["host"], "port": "5432"}
