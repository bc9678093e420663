"""Reads the facts from all servers side by side, and makes metrics of them: at most one reading a second."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from include.clients.outside import Outside
from include.contract import reading
from include.metrics import facts
from include.metrics.asking import Asking
from include.metrics.facts import Facts
from include.metrics.families import Families, collect
from include.page.clients import PageClients
from include.page.shared import Shared
from include.settings import Settings

KEPT_SECONDS: Final = 1.0
_ROUNDING: Final = timedelta(seconds=2)
_AIRFLOW: Final = {"scheduler": "scheduler", "dag_processor": "dag-processor", "triggerer": "triggerer"}
"""The parts of Airflow's health report, and what we call them after `airflow-`."""


class Reader(Collector):
    """What prometheus_client collects. Thread-safe: callers at the same time share one reading."""

    def __init__(self, settings: Settings, outside: Outside) -> None:
        self._settings = settings
        self._clients = PageClients(outside)
        self._files = facts.Files(settings)
        self._started_at: datetime | None = None
        self._shared = Shared(KEPT_SECONDS, most=1)
        self._kafka = Asking("kafka", self._ask_kafka)
        self._mysql = Asking("mysql", self._ask_mysql)
        self._elasticsearch = Asking("elasticsearch", lambda: facts.ask_elasticsearch(self._clients.search()))
        self._airflow = (
            Asking("airflow-api-server", lambda: _ask_airflow(settings.metrics_airflow))
            if settings.metrics_airflow
            else None
        )

    def collect(self) -> Iterator[Metric]:
        """Yields the metric families; a silent server only leaves gaps."""
        yield from self._shared.get("families", self._read)

    def describe(self) -> list[Metric]:
        """None: otherwise a registry would ask all servers to learn the names."""
        return []

    def _read(self) -> Families:
        reading.follow()
        asked: list[Asking[Any]] = [self._kafka, self._mysql, self._elasticsearch, *filter(None, [self._airflow])]
        for each in asked:
            each.begin()
        kafka, mysql, elasticsearch = self._kafka.answer(), self._mysql.answer(), self._elasticsearch.answer()
        answers = {"kafka": kafka.seconds, "mysql": mysql.seconds, "elasticsearch": elasticsearch.seconds}
        airflow: Mapping[str, bool] = {}
        if self._airflow:
            answer = self._airflow.answer()
            answers["airflow-api-server"], airflow = answer.seconds, answer.found or {}
        found = Facts(kafka.found, mysql.found, elasticsearch.found, self._files.ask(), answers, airflow)
        return collect(found, self._settings, reading.current().of_all_versions)

    def _ask_kafka(self) -> facts.OfKafka:
        with self._clients.kafka() as clients:
            return facts.ask_kafka(*clients)

    def _ask_mysql(self) -> facts.OfMySql:
        with self._clients.cursor() as cursor:
            found = facts.ask_mysql(cursor)
        # Whole seconds since the start and the present one can differ by one: the time must change by restarts only.
        if self._started_at is None or abs(found.started_at - self._started_at) > _ROUNDING:
            self._started_at = found.started_at
        return replace(found, started_at=self._started_at)


def _ask_airflow(url: str) -> dict[str, bool]:
    """Whether each part is healthy, by Airflow's own report, which needs no login. Raises OSError."""
    try:
        report = httpx.get(f"{url}/api/v2/monitor/health", timeout=3, trust_env=False).raise_for_status().json()
    except httpx.HTTPError as error:
        raise OSError(str(error)) from error
    return {
        f"airflow-{ours}": report[theirs]["status"] == "healthy"
        for theirs, ours in _AIRFLOW.items()
        if report.get(theirs, {}).get("status")
    }
