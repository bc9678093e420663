"""The requests of the one-shot container for Elasticsearch; the embedded one has no users beside those of its files."""

from pathlib import Path

import pytest

from include.stack.containers import compose_env, steps
from include.stack.servers import search_users
from tests.unit.staged.elasticsearch import StagedElasticsearch


def test_users_are_created_with_the_rights_of_the_embedded_ones_and_then_the_index(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    compose_env.write_files(tmp_path / "secrets", {name: make() for name, make in compose_env.SECRETS.items()})
    with StagedElasticsearch() as server:
        monkeypatch.setenv("LOGSIEVE_ELASTICSEARCH_URL", server.url)
        monkeypatch.setenv("LOGSIEVE_SECRETS", str(tmp_path / "secrets"))
        steps.search()

    users = list(search_users.RIGHTS)
    assert server.requests == [
        "PUT /_security/user/kibana_system/_password",
        *(f"PUT /_security/role/{user}" for user in users),
        *(f"PUT /_security/user/{user}" for user in (*users, "logsieve_kibana")),
        "PUT /_index_template/server-logs",
        "HEAD /server-logs",
        "PUT /server-logs",
        "GET /server-logs",
        "PUT /server-logs/_mapping",
        "GET /server-logs",
    ]
