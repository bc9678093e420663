"""From facts to the text that Prometheus reads."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from include.contract import reading
from include.metrics.catalogue import BY_NAME, METRICS
from include.metrics.facts import Facts
from include.metrics.families import Families, collect
from include.settings import ROOT, Settings
from include.watch.programs import Program
from include.watch.totals import Totals
from tests.unit.metrics.facts import KAFKA, MYSQL, TOTALS, facts

CONTRACT = reading.load(ROOT / "contract.toml")
Samples = dict[str, dict[tuple[str, ...], float]]


def exposed(given: Facts) -> Samples:
    """What Prometheus gets, read by the parser of OpenMetrics: the values of each name by their labels' values."""

    class _Collector(Collector):
        def collect(self) -> Any:
            return iter(collect(given, Settings(), CONTRACT))

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector())
    found: Samples = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_each_hop_has_its_backlog_by_partition() -> None:
    found = exposed(facts())["logsieve_backlog_messages"]
    assert found == {
        ("classify", "0"): 3, ("classify", "1"): 0, ("load", "0"): 3, ("load", "1"): 0, ("index", "0"): 8,
        ("index", "1"): 0,
    }  # fmt: skip


def test_what_is_loaded_is_judged_even_if_kafka_has_removed_every_verdict() -> None:
    kafka = replace(KAFKA, topics=replace(KAFKA.topics, classified={0: 0, 1: 0}))
    found = exposed(facts(kafka=kafka))["logsieve_backlog_messages"]
    assert (found["classify", "0"], found["classify", "1"]) == (4, 0)


def test_logs_are_counted_by_status_and_by_reason() -> None:
    found = exposed(facts())
    assert found["logsieve_logs_total"] == {("good",): 130, ("bad",): 10, ("suspicious",): 0}
    reasons = found["logsieve_log_reasons_total"]
    assert (reasons["missing_device", "bad"], reasons["unexpected_device", "suspicious"]) == (7, 0)


def test_a_reason_that_the_contract_does_not_have_is_no_label() -> None:
    hostile = replace(MYSQL, totals=Totals(reasons=Counter({f"x{number}": 1 for number in range(1000)})))
    reasons = exposed(facts(mysql=hostile))["logsieve_log_reasons_total"]
    assert reasons["other", "other"] == 1000
    assert len(reasons) == len(exposed(facts())["logsieve_log_reasons_total"])


def test_delays_are_a_cumulative_histogram_in_seconds() -> None:
    found = exposed(facts())
    buckets = found["logsieve_row_delay_seconds_bucket"]
    assert (buckets["0.002",], buckets["0.005",], buckets["3600.0",], buckets["+Inf",]) == (0, 3, 3, 4)
    assert found["logsieve_row_delay_seconds_count"][()] == 4
    assert found["logsieve_row_delay_seconds_sum"][()] == pytest.approx(3_700.01)


@pytest.mark.parametrize(
    ("server", "lost"),
    [
        ("kafka", {"logsieve_backlog_messages", "logsieve_unindexed_gaps"}),
        ("mysql", {"logsieve_logs_total", "logsieve_driver_up", "logsieve_row_delay_seconds_count"}),
        ("elasticsearch", {"logsieve_documents"}),
    ],
)
def test_a_silent_server_is_down_and_what_it_knows_is_absent(server: str, lost: set[str]) -> None:
    answers = {"kafka": 0.01, "mysql": 0.02, "elasticsearch": 0.03} | {server: None}
    found = exposed(facts(answers=answers, **{server: None}))
    assert found["logsieve_up"][server,] == 0
    assert all(found["logsieve_up"][other,] == 1 for other in answers if other != server)
    assert not lost & set(found)
    assert "logsieve_disk_free_bytes" in found


def test_a_driver_that_never_was_is_down() -> None:
    found = exposed(facts(mysql=replace(MYSQL, lease=None)))
    assert found["logsieve_driver_up"] == {(): 0}
    assert "logsieve_driver_epoch" not in found


def test_an_indexer_that_left_its_group_is_down() -> None:
    assert exposed(facts(kafka=replace(KAFKA, indexer_up=False)))["logsieve_up"]["indexer",] == 0


def test_every_metric_of_the_catalogue_is_exposed_by_some_facts() -> None:
    blocked = replace(facts().files, blocked={"load": 70}, programs={"kafka": Program(True, 5)})
    found = set(exposed(facts(files=blocked, mysql=replace(MYSQL, totals=replace(TOTALS, replaced=1)))))
    expected = {each.name if each.kind != "histogram" else f"{each.name}_count" for each in METRICS}
    assert expected <= found


def test_names_follow_prometheus_conventions() -> None:
    for each in METRICS:
        assert each.name.startswith("logsieve_")
        assert each.name.endswith("_total") == (each.kind == "counter")
        assert not each.unit or each.family.endswith(each.unit)
    assert len(BY_NAME) == len(METRICS)


def test_labels_other_than_the_catalogues_are_refused() -> None:
    with pytest.raises(ValueError, match="logsieve_logs_total"):
        Families().set("logs_total", 1, device="anything")
