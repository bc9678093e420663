"""Nothing is written to a differing index: each refusal or difference is one line with its remedy."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from include.clients.outside import Outside
from include.index import bulk
from include.index.bulk import BulkWriter
from include.index.messages import StatusMessage
from include.index.template import EarlierKindError, IndexDiffersError, Shape, ensure, template
from include.names import ODD_INDEX
from include.settings import Settings
from include.watch import search_trouble
from include.watch.troubles import TroubleError, Troubles
from tests.unit.staged.elasticsearch import REFUSED, StagedElasticsearch, error, ours

Index = dict[str, Any]
MESSAGE = StatusMessage(0, 1, b"0-1", b'{"status":"good"}')


def ensured(server: StagedElasticsearch) -> None:
    with Outside(Settings(elasticsearch_url=server.url)).search() as client:
        ensure(client)


def changed(change: Callable[[Index], object]) -> Index:
    index = ours()
    change(index["mappings"])
    return index


def test_the_template_has_a_higher_priority_than_usual_ones():
    assert template()["priority"] == 1_000_000


def test_ensuring_the_index_is_idempotent(search: StagedElasticsearch):
    ensured(search)
    made = search.requests.count("PUT /server-logs-odd")
    ensured(search)
    assert made == search.requests.count("PUT /server-logs-odd") == 1


def test_two_processes_can_create_the_index_at_once(search: StagedElasticsearch):
    search.indices[ODD_INDEX] = ours()
    search.answers["HEAD /server-logs-odd"] = 404, {}
    search.answers["PUT /server-logs-odd"] = error(
        400, "resource_already_exists_exception", "index [server-logs-odd/x] already"
    )
    ensured(search)


@pytest.mark.parametrize(
    ("index", "said", "remedy"),
    [
        (changed(lambda found: found.update(dynamic="true")), 'mappings.dynamic is "true", not "strict"', "DELETE"),
        (changed(lambda found: found.pop("dynamic")), "mappings.dynamic is missing", "DELETE"),
        (changed(lambda found: found.update(dynamic_templates=[{}])), "dynamic_templates is unexpected", "DELETE"),
        (changed(lambda found: found.update(runtime={"status": {}})), "mappings.runtime is unexpected", "DELETE"),
        (changed(lambda found: found.update(_source={"enabled": False})), "mappings._source is unexpected", "DELETE"),
        (changed(lambda found: found.update(_routing={"required": True})), "mappings._routing is unexpected", "DELETE"),
        (changed(lambda found: found["properties"].pop("raw")), "mappings.properties.raw is missing", "DELETE"),
        (changed(lambda found: found["properties"].update(x={})), "mappings.properties.x is unexpected", "DELETE"),
        (
            changed(lambda found: found["properties"]["device"].update(type="text", analyzer="german")),
            'device.analyzer is unexpected; mappings.properties.device.type is "text", not "keyword"',
            "DELETE",
        ),
        (
            changed(lambda found: found["properties"]["origin"]["properties"]["kafka_offset"].update(type="integer")),
            'kafka_offset.type is "integer", not "long"',
            "DELETE",
        ),
        (ours(**{"index.default_pipeline": "mask"}), '_pipeline is "mask"', '{"index.default_pipeline": "_none"}'),
        (ours(**{"index.final_pipeline": "drop"}), '_pipeline is "drop"', '{"index.final_pipeline": "_none"}'),
        (ours(**{"index.mode": "logsdb"}), 'index.mode is "logsdb"', "DELETE"),
        (ours(**{"index.lifecycle.name": "a-week"}), 'index.lifecycle.name is "a-week"', "DELETE"),
        (ours(**{"index.mapping.ignore_malformed": "true"}), "ignore_malformed", "DELETE"),
        (ours(**{"index.mapping.source.mode": "synthetic"}), "source.mode", "DELETE"),
    ],
)  # fmt: skip
def test_a_differing_index_is_refused(search: StagedElasticsearch, index: Index, said: str, remedy: str):
    search.indices[ODD_INDEX] = index
    with pytest.raises(IndexDiffersError) as refused:
        ensured(search)
    assert said in refused.value.trouble.sentence
    assert remedy in refused.value.trouble.remedy


@pytest.mark.parametrize(
    "settings",
    [
        {"index.default_pipeline": "_none", "index.mode": "standard"},
        {"index.number_of_replicas": "1", "index.hidden": "true", "index.mapping.total_fields.limit": "5000"},
    ],
)
def test_settings_that_change_no_document_are_allowed(search: StagedElasticsearch, settings: dict[str, str]):
    search.indices[ODD_INDEX] = ours(**settings) | {"aliases": {"dashboards": {}, "server-logs": {}}}
    ensured(search)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (".ds-server-logs-000001", r"of \.ds-server-logs-000001\. Delete the data stream"),
        ("another", "of another.*remove the alias"),
        ("server-logs-before-20261130t120000-2026.11.30", "remove the alias"),
        ("server-logs", "earlier version.*airflow dags trigger bootstrap"),
    ],
)
def test_a_name_that_means_something_else_is_refused_before_anything_is_changed(
    search: StagedElasticsearch, found: str, said: str
):
    search.answers["GET /server-logs/_alias"] = 200, {found: {"aliases": {}}}
    with pytest.raises(EarlierKindError if found == "server-logs" else IndexDiffersError, match=said):
        ensured(search)
    assert search.requests == ["GET /server-logs/_alias"]


def test_an_index_that_lost_the_alias_gets_it_back(search: StagedElasticsearch):
    search.indices[ODD_INDEX] = ours() | {"aliases": {}}
    ensured(search)
    assert "PUT /server-logs-odd/_alias/server-logs" in search.requests


def test_shards_and_replicas_of_new_indices_are_settings():
    settings = template(Shape.of(Settings(index_shards=3, index_replicas=2)))["template"]["settings"]
    assert (settings["number_of_shards"], settings["number_of_replicas"]) == (3, 2)


@pytest.mark.parametrize(
    ("request_line", "answer", "remedy"),
    [
        (
            "PUT /_index_template/server-logs",
            error(400, "illegal_argument_exception", "index template [server-logs] has index patterns [server-logs]"
                  " matching patterns from existing templates [a] with patterns (a => [*]) that have the same priority"
                  " [1000000], use a different priority"),
            "Give that template another priority",
        ),
        ("PUT /_index_template/server-logs", error(403, "security_exception", "action is unauthorized"), "rights"),
        ("PUT /_index_template/server-logs", error(401, "security_exception", "unable to authenticate"), "rights"),
        (
            "PUT /server-logs-odd",
            error(400, "validation_exception", "this action would add [1] shards, but this cluster currently has"
                  " [1000]/[1000] maximum normal shards open;"),
            "cluster.max_shards_per_node",
        ),
        (
            "PUT /server-logs-odd",
            error(400, "illegal_argument_exception", "Limit of total fields [5] has"),
            "fields.limit",
        ),
        (
            "PUT /server-logs-odd/_mapping",
            error(403, "cluster_block_exception", "blocked by: [FORBIDDEN/9/index metadata (api)];"),
            '"index.blocks.metadata": null',
        ),
    ],
)  # fmt: skip
def test_each_refusal_is_one_line_with_its_remedy(
    search: StagedElasticsearch, request_line: str, answer: tuple[int, Any], remedy: str
):
    if "_mapping" in request_line:
        search.indices[ODD_INDEX] = changed(lambda found: found["properties"].pop("raw"))
    search.answers[request_line] = answer
    with pytest.raises(TroubleError) as refused:
        ensured(search)
    assert answer[1]["error"]["reason"] in refused.value.trouble.sentence
    assert remedy in refused.value.trouble.remedy
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "reason", "status", "remedy"),
    [
        ("index_closed_exception", "closed", 400, "POST server-logs/_open"),
        ("cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)];", 403, '"index.blocks.write": null'),
        (
            "cluster_block_exception",
            "disk usage exceeded flood-stage watermark",
            429,
            "Free disk",
        ),
        ("unavailable_shards_exception", "primary shard is not active", 503, "allocation/explain"),
        ("illegal_argument_exception", "pipeline with id [x] does not exist", 400, '"index.final_pipeline": "_none"'),
        ("circuit_breaking_exception", "Data too large", 429, "heap"),
        ("no_one_knows_exception", "why", 500, "free disk"),
        ("request_entity_too_large", "", 413, "max_content_length"),
    ],
)
def test_reasons_for_unaccepted_documents_have_a_remedy_too(kind: str, reason: str, status: int, remedy: str):
    assert remedy in search_trouble.of_item(kind, reason, status).remedy


class Mending(Troubles):
    """Calls `fix` at the writer's third report of a trouble."""

    def __init__(self, fix: Callable[[], object]) -> None:
        super().__init__()
        self._fix, self._reports = fix, 0

    def report(self, part: str, trouble: Any) -> None:
        super().report(part, trouble)
        self._reports += 1
        if self._reports == 3:
            self._fix()


def written_while(
    search: StagedElasticsearch, caplog: pytest.LogCaptureFixture, fix: Callable[[], object]
) -> list[str]:
    """Returns what is logged while the writer waits; `fix` is called at its third try."""
    client = Outside(Settings(elasticsearch_url=search.url)).search()
    with caplog.at_level(logging.INFO, "logsieve.troubles"):
        assert BulkWriter(client, threading.Event(), Mending(fix), first_pause=0.01).write([MESSAGE]) == []
    client.close()
    assert search.documents.keys() == {"0-1"}
    return [record.getMessage() for record in caplog.records]


def test_the_writer_waits_for_its_index_and_logs_that_once(
    search: StagedElasticsearch, caplog: pytest.LogCaptureFixture
):
    search.indices[ODD_INDEX] = ours(**{"index.final_pipeline": "drop"})

    said = written_while(search, caplog, lambda: search.indices.update({ODD_INDEX: ours()}))

    assert len(said) == 2, said
    assert 'index.final_pipeline is "drop"' in said[0]
    assert said[1].endswith("no longer")


def test_a_differing_index_causes_no_dead_letters(search: StagedElasticsearch, caplog: pytest.LogCaptureFixture):
    client = Outside(Settings(elasticsearch_url=search.url)).search()
    mending = Mending(lambda: search.indices.update({ODD_INDEX: ours()}))
    writer = BulkWriter(client, threading.Event(), mending, first_pause=0.01)
    writer.write([StatusMessage(0, 0, b"0-0", b"{}")])
    # Somebody deletes it, and it comes back by a template of his own.
    search.indices[ODD_INDEX] = changed(lambda found: found.update(properties={"status": {"type": "text"}}))
    search.acts.append({"0-1": (400, REFUSED)})
    assert writer.write([MESSAGE]) == []
    client.close()
    assert search.documents.keys() == {"0-0", "0-1"}


def test_an_index_that_changes_under_a_running_indexer_is_detected(
    search: StagedElasticsearch, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk, "CHECK_SECONDS", 0)
    client = Outside(Settings(elasticsearch_url=search.url)).search()
    mending = Mending(lambda: search.indices.update({ODD_INDEX: ours()}))
    writer = BulkWriter(client, threading.Event(), mending, first_pause=0.01)
    writer.write([StatusMessage(0, 0, b"0-0", b"{}")])
    search.indices[ODD_INDEX] = ours(**{"index.default_pipeline": "mask"})
    with caplog.at_level(logging.INFO, "logsieve.troubles"):
        writer.write([MESSAGE])
    client.close()
    assert 'index.default_pipeline is "mask"' in caplog.messages[0]
