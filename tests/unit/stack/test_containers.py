"""The requests of the one-shot container for Elasticsearch; the embedded Elasticsearch needs no users."""

import pytest

from include.stack.containers import steps
from tests.unit.staged.elasticsearch import StagedElasticsearch


def test_users_are_created_first_and_the_index_with_the_rights_of_its_user(
    monkeypatch: pytest.MonkeyPatch,
):
    with StagedElasticsearch() as server:
        monkeypatch.setenv("LOGSIEVE_ELASTICSEARCH_URL", server.url)
        monkeypatch.setenv("LOGSIEVE_ELASTICSEARCH_USER", "logsieve")
        monkeypatch.setenv("LOGSIEVE_ELASTICSEARCH_PASSWORD", "theirs")
        monkeypatch.setenv("ELASTIC_PASSWORD", "elastics")
        monkeypatch.setenv("KIBANA_SYSTEM_PASSWORD", "kibanas")
        steps.search()

    assert server.requests == [
        "PUT /_security/user/kibana_system/_password",
        "PUT /_security/role/logsieve",
        "PUT /_security/user/logsieve",
        "PUT /_index_template/server-logs",
        "HEAD /server-logs",
        "PUT /server-logs",
        "GET /server-logs",
        "PUT /server-logs/_mapping",
        "GET /server-logs",
    ]
