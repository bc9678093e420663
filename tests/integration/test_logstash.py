"""How Elasticsearch handles the requests that Logstash sends with include/index/logstash.conf. No Logstash runs here.

The requests have the form of its Elasticsearch plugin: the version is text, from the settings in the file.
"""

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from logstash_pipeline_parser import Pipeline

from include.index import bulk
from include.index.template import template
from include.settings import ROOT
from tests.integration.stack import Stack, is_judged

CONF = dict(Pipeline((ROOT / "include" / "index" / "logstash.conf").read_text(encoding="utf-8")).parse())
OUTPUT = {name: value[0] for name, value in CONF["output"][0][1]}
SCRATCH = "logstash-test"
KEY = "0-17"


class Index:
    """An index with the mapping of the documents, beside the real one."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        mappings = template()["template"]["mappings"]
        stack.search(SCRATCH, {"mappings": mappings, "settings": {"number_of_replicas": 0}}, "PUT")

    def bulk(self, action: dict[str, Any], document: dict[str, Any]) -> tuple[int, str]:
        """Writes one document; returns the status, and the type of its error."""
        lines = f"{json.dumps({'index': action})}\n{json.dumps(document)}\n"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.stack.ports['elasticsearch']}/{SCRATCH}/_bulk",
            data=lines.encode(),
            headers={"Content-Type": "application/x-ndjson", "Authorization": self.stack.authorization("admin")},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            item = json.load(answer)["items"][0]["index"]
        return item["status"], item.get("error", {}).get("type", "")

    def logstash(self, offset: int, document: dict[str, Any], key: str = KEY) -> tuple[int, str]:
        """Writes the document as Logstash writes that of the message at this offset of the status topic."""
        kafka = {"offset": str(offset), "key": key}

        def filled(setting: str) -> str:
            return re.sub(r"%\{\[@metadata\]\[kafka\]\[(\w+)\]\}", lambda match: kafka[match[1]], OUTPUT[setting])

        action = {"_id": filled("document_id"), "version": filled("version"), "version_type": OUTPUT["version_type"]}
        return self.bulk({**action, "routing": None}, document)

    def indexer(self, offset: int, document: dict[str, Any], key: str = KEY) -> tuple[int, str]:
        """Writes the document as the indexer does."""
        return self.bulk(json.loads(bulk.ACTIONS["index"] % (key.encode(), offset))["index"], document)

    def status(self) -> str:
        return self.stack.search(f"{SCRATCH}/_doc/{KEY}")["_source"]["status"]


@pytest.fixture
def index(stack: Stack) -> Iterator[Index]:
    try:
        yield Index(stack)
    finally:
        stack.search(SCRATCH, method="DELETE")


def verdict(status: str) -> dict[str, Any]:
    return {"status": status, "reasons": [], "origin": {"kafka_partition": 0, "kafka_offset": 17}}


def test_the_last_verdict_wins_whatever_the_order_of_workers(index: Index):
    assert index.logstash(900, verdict("suspicious"))[0] == 201
    assert index.logstash(20, verdict("good")) == (409, "version_conflict_engine_exception")
    assert index.status() == "suspicious"
    assert OUTPUT["silence_errors_in_log"] == ["version_conflict_engine_exception"]

    assert index.logstash(901, verdict("good"))[0] == 200
    assert index.status() == "good"


def test_messages_that_are_reread_change_nothing(index: Index):
    for offset, status in ((20, "good"), (900, "suspicious"), (20, "good"), (900, "suspicious")):
        index.logstash(offset, verdict(status))

    assert index.logstash(900, verdict("suspicious"))[0] == 200, "accepted again, and not a conflict"
    assert index.status() == "suspicious"


def test_the_indexer_and_logstash_may_follow_each_other(index: Index):
    index.indexer(0, verdict("good"))
    assert index.indexer(0, verdict("good"))[0] == 200
    assert index.logstash(900, verdict("suspicious"))[0] == 200
    assert index.indexer(899, verdict("good")) == (409, "version_conflict_engine_exception"), "it was late"
    assert index.indexer(901, verdict("bad"))[0] == 200
    assert index.logstash(900, verdict("suspicious"))[0] == 409
    assert index.logstash(902, verdict("good"))[0] == 200
    assert index.status() == "good"


@pytest.mark.parametrize("field", ["tags", "@timestamp", "@version", "message", "event"])
def test_fields_that_logstash_adds_are_refused_so_their_documents_become_dead_letters(index: Index, field: str):
    assert index.logstash(20, {field: "_jsonparsefailure"}) == (400, "strict_dynamic_mapping_exception")


def test_a_whole_status_message_is_stored_unchanged(stack: Stack, index: Index):
    message = [each for each in stack.messages("server-logs-status") if is_judged(each)][-1]
    document = json.loads(message.value)

    assert index.logstash(message.offset, document, message.key.decode())[0] == 201
    assert stack.search(f"{SCRATCH}/_doc/{message.key.decode()}")["_source"] == document


def test_elasticsearch_makes_the_index_of_a_new_day_by_the_template_that_bootstrap_put(stack: Stack):
    setting = "action.auto_create_index"
    compose = yaml.safe_load((ROOT / "docker-compose.airflow.yml").read_text(encoding="utf-8"))
    allowed = compose["services"]["elasticsearch"]["environment"][setting]
    day = "server-logs-2026.01.01"
    stack.search("_cluster/settings", {"persistent": {setting: allowed}}, "PUT")
    try:
        stack.search(f"{day}/_doc/9-1", verdict("good"))
        made = stack.search(day)[day]
        assert made["aliases"] == {"server-logs": {}}
        assert made["mappings"] == stack.search("server-logs-odd")["server-logs-odd"]["mappings"]
    finally:
        stack.search(f"{day}?ignore_unavailable=true", method="DELETE")
        stack.search("_cluster/settings", {"persistent": {setting: None}}, "PUT")
