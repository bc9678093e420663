"""What the one-shot container of Elasticsearch asks it for; the embedded one has no users to make."""

import pytest

from include.stack.containers import steps
from tests.unit.staged_elasticsearch import StagedElasticsearch


def test_users_come_before_the_index_which_is_made_with_the_users_own_rights(monkeypatch: pytest.MonkeyPatch):
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
