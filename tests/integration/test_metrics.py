"""A real Prometheus scrapes the stack while parts of it are killed: the series tell which, and no counter falls."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
import yaml

from include.metrics import dashboard
from include.metrics.catalogue import METRICS
from include.names import STATUSES, TABLES
from include.settings import ROOT, Settings
from include.stack.fetch import packages, prometheus
from include.stack.run import supervisor
from include.watch.totals import Totals, together
from tests.integration.prometheus import Prometheus, scraping
from tests.integration.stack import RECOVERY_SECONDS, Stack, drivers, until, wait_until_it_loads

COUNTERS = [
    *(each.name for each in METRICS if each.kind == "counter"),
    *(f"{each.name}_{part}" for each in METRICS if each.kind == "histogram" for part in ("bucket", "count", "sum")),
]
EMPTY = {"{{part}} blocked, s"}
"""Queries that have nothing to say of a healthy stack."""


@pytest.fixture(scope="module")
def scraped(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    try:
        programs = prometheus.find(Settings().parts)
    except packages.PackageError as error:
        pytest.skip(f"Prometheus cannot be fetched: {error}")
    wait_until_it_loads(stack)
    with scraping(stack, programs, tmp_path_factory.mktemp("prometheus")) as made:
        yield made


def test_nobody_reads_the_metrics_without_the_token(stack: Stack) -> None:
    url = f"http://127.0.0.1:{stack.ports['metrics']}/metrics"
    assert httpx.get(url, trust_env=False).status_code == 401
    assert (stack.state / "metrics-token").stat().st_mode & 0o077 == 0


def test_every_log_is_counted_once_by_its_status(stack: Stack) -> None:
    """Totals and rows grow alike, seen in one snapshot each time."""

    def difference() -> dict[str, int]:
        counts = ", ".join(
            f"(SELECT COUNT(*) FROM logs.{table} WHERE kafka_partition < 100)" for table in TABLES.values()
        )
        totals = "(SELECT JSON_ARRAYAGG(CAST(totals AS CHAR)) FROM logs.counted WHERE kafka_partition < 100)"
        ((*rows, found),) = stack.root_sql(f"SELECT {counts}, {totals}")
        counted = together(Totals.of(text) for text in json.loads(found)).statuses
        return {status: counted[status] - number for status, number in zip(STATUSES, rows, strict=True)}

    before = difference()
    stack.generate(300)
    wait_until_it_loads(stack)
    assert difference() == before


def test_every_panel_and_every_alert_asks_for_what_there_is(scraped: Prometheus) -> None:
    def silent() -> list[str]:
        return [
            f"{panel.title}: {legend}"
            for panel in dashboard.PANELS
            for legend, query in panel.queries.items()
            if legend not in EMPTY and not scraped.values(_asked(query))
        ]

    # Rates need two scrapes.
    until(lambda: not silent(), 30, f"every panel has data: {silent()}")
    (group,) = scraped.ask("rules")["groups"]
    until(lambda: _unhealthy(scraped) == [], 20, "Prometheus has run every rule")
    assert [rule["name"] for rule in group["rules"]] == [rule["alert"] for rule in _rules()]


def _rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((ROOT / "include" / "metrics" / "alerts.yaml").read_text())["groups"]
    return group["rules"]


def _unhealthy(scraped: Prometheus) -> list[str]:
    (group,) = scraped.ask("rules")["groups"]
    return [rule["name"] for rule in group["rules"] if rule["health"] != "ok"]


def _changed(before: dict[tuple[str, ...], float], after: dict[tuple[str, ...], float]) -> set[tuple[str, ...]]:
    return {labels for labels, value in after.items() if before.get(labels) != value}


def _asked(query: str) -> str:
    return (
        dashboard.expression(query).replace("$job", ".+").replace("$instance", ".+").replace("$__rate_interval", "1m")
    )


def test_the_series_tell_what_was_killed(stack: Stack, scraped: Prometheus) -> None:
    epoch = scraped.value("logsieve_driver_epoch")
    assert epoch is not None
    indexed = 'logsieve_backlog_messages{hop="index"}'
    started = "logsieve_program_start_timestamp_seconds"
    before = scraped.values(started)
    with stack.away("elasticsearch"):
        until(lambda: scraped.value('logsieve_up{server="elasticsearch"}') == 0, 20, "Elasticsearch is down")
        assert scraped.value("logsieve_documents") is None
        for process in drivers(stack):
            process.kill()
        for name in ("mysql", "airflow-triggerer"):
            psutil.Process(supervisor.proxy(stack.env).getProcessInfo(name)["pid"]).kill()
        stack.send([b"{}"] * 200)
        until(lambda: (scraped.value(f"sum({indexed})") or 0) >= 200, RECOVERY_SECONDS, "verdicts wait to be indexed")
        pending = 'ALERTS{alertname="LogsieveServerDown", server="elasticsearch"}'
        assert scraped.value(pending) == 1
    until(lambda: scraped.value(f"sum({indexed})") == 0, RECOVERY_SECONDS, "nothing waits any more")
    until(lambda: scraped.value('logsieve_up{server="elasticsearch"}') == 1, 20, "Elasticsearch answers again")
    judging = f"logsieve_driver_epoch > {epoch} and logsieve_driver_up == 1"
    until(lambda: scraped.value(judging), RECOVERY_SECONDS, "the next driver judges")
    assert (scraped.value("increase(logsieve_driver_starts_total[5m])") or 0) >= 1
    assert scraped.value("changes(logsieve_mysql_start_timestamp_seconds[5m])") == 1
    killed = {("elasticsearch",), ("mysql",), ("airflow-triggerer",)}
    until(lambda: _changed(before, scraped.values(started)) == killed, 20, "it tells the programs that were killed")
    fallen = [name for name in COUNTERS if scraped.values(f"resets({name}[5m]) > 0")]
    assert fallen == [], "no counter fell meanwhile"
