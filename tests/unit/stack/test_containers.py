"""The one-shot container for Elasticsearch."""

from pathlib import Path

import pytest

from include.stack.containers import compose_env, steps
from tests.unit.staged.elasticsearch import StagedElasticsearch


def test_the_index_is_created(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    compose_env.write_files(tmp_path / "secrets", {name: make() for name, make in compose_env.SECRETS.items()})
    with StagedElasticsearch() as server:
        monkeypatch.setenv("LOGSIEVE_ELASTICSEARCH_URL", server.url)
        monkeypatch.setenv("LOGSIEVE_SECRETS", str(tmp_path / "secrets"))
        steps.search()
    assert server.requests == [
        "GET /server-logs/_alias",
        "GET /server-logs/_alias",
        "PUT /_index_template/server-logs",
        "HEAD /server-logs-odd",
        "PUT /server-logs-odd",
        "GET /server-logs-odd",
    ]
