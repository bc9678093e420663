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
