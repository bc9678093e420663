"""The DAGs reach Kafka and Elasticsearch as their Airflow connections say."""

import json

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
