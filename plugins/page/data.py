"""The page's data: queries the servers, shares results between browsers, and reports unreachable servers."""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTimeError
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from include.clients.errors import SERVER_ERRORS, reason
from include.clients.outside import Outside
from include.contract.model import Contract
from include.names import BAD, CLASSIFY_DAG, GENERATE_DAG, RECONCILE_DAG, SUSPICIOUS, origin_of
from include.page import listing, listing_rows, way
from include.page.clients import PageClients
from include.page.counts import Summaries, TakesLongError
from include.page.counts_rows import RowSource
from include.page.counts_search import SearchSource
from include.page.filters import Filters, text
from include.page.listing import Place
from include.page.shared import Shared
from include.page.way import Run, Sample
from include.settings import Settings
from include.watch import free_space, troubles
from include.why import facts
from include.why import story as why
from plugins.page import runs as page_runs
from plugins.page import stream_facts
from plugins.page.errors import PageError

SECONDS = 2.5
"""Timeout of one server for the hops; then it counts as unreachable."""
SHARED_SECONDS = 1.0
SAMPLES_SECONDS = 20
"""Period of the rates."""
SEARCH_AGAIN_SECONDS = 5
"""After a failure of Elasticsearch, only MySQL is asked for this long."""
DAGS = (GENERATE_DAG, CLASSIFY_DAG, RECONCILE_DAG)
AWAY = "Elasticsearch does not answer: showing counts by status from MySQL; other filters do not work meanwhile."

log = logging.getLogger(__name__)


class PageData:
    """The data source, one per API server."""

    def __init__(self, settings: Settings, contract: Contract) -> None:
        self._settings, self._contract = settings, contract
        self._outside = Outside(settings)
        self._clients = PageClients(self._outside)
        self._shared = Shared(SHARED_SECONDS)
        self._by_search = Summaries(SearchSource(contract, self._clients.search))
        self._by_rows = Summaries(RowSource(self._clients.cursor))
        self._search_again_at = 0.0
        self._pool = ThreadPoolExecutor(8, "logs-page")
        self._asked: dict[str, Future[Any]] = {}
        self._asking = threading.Lock()
        self._samples: deque[Sample] = deque()

    def summary(self, filters: Filters) -> dict[str, Any]:
        """Response of data/summary. Raises PageError if neither server answers."""
        return self._shared.get(("summary", filters), lambda: self._summary(filters))

    def _summary(self, filters: Filters) -> dict[str, Any]:
        now = datetime.now(UTC)
        try:
            self._search_first()
            return {"source": "elasticsearch", "notice": None, **self._by_search.summary(filters, now)}
        except TakesLongError as error:
            raise _counting(error) from None
        except SERVER_ERRORS as error:
            self._search_failed(error)
        try:
            return {"source": "mysql", "notice": AWAY, **self._by_rows.summary(filters.only_by_status(), now)}
        except TakesLongError as error:
            raise _counting(error) from None
        except SERVER_ERRORS as error:
            raise _both_away() from error

    def logs(self, filters: Filters, word: str, size: int, before: Place | None) -> dict[str, Any]:
        """Response of data/logs. Raises PageError if neither server answers."""
        return self._shared.get(("logs", filters, word, size, before), lambda: self._logs(filters, word, size, before))

    def _logs(self, filters: Filters, word: str, size: int, before: Place | None) -> dict[str, Any]:
        if not filters.statuses and not word:
            filters = filters.of_status(BAD, SUSPICIOUS)
        try:
            self._search_first()
            found = listing.read(self._clients.search(), self._contract, filters, word, size, before)
            return _page(found, size, "elasticsearch", None)
        except SERVER_ERRORS as error:
            self._search_failed(error)
        if word and not origin_of(word.encode()):
            notice = "Elasticsearch does not answer: meanwhile you can only search for an origin, such as 0-1234."
            return _page([], size, "mysql", notice)
        try:
            with self._clients.cursor(dictionary=True) as cursor:
                found = listing_rows.read(cursor, self._contract, filters.only_by_status(), word, size, before)
        except SERVER_ERRORS as error:
            raise _both_away() from error
        return _page(found, size, "mysql", AWAY)

    def _search_first(self) -> None:
        """Raises ConnectionError shortly after a failure of Elasticsearch, so that not every request waits for it."""
        if time.monotonic() < self._search_again_at:
            raise ConnectionError("Elasticsearch failed recently")

    def _search_failed(self, error: BaseException) -> None:
        if time.monotonic() >= self._search_again_at:
            log.warning("Elasticsearch does not answer, using MySQL instead: %s", error)
            self._search_again_at = time.monotonic() + SEARCH_AGAIN_SECONDS

    def story(self, origin: str) -> dict[str, Any]:
        """Response of data/log. Raises PageError if there is no such log."""
        try:
            return self._shared.get(("story", origin), lambda: asdict(why.read(self._outside, self._settings, origin)))
        except facts.NoSuchLogError as error:
            raise PageError(404, error.message, error.remedy) from error

    def hops(self) -> dict[str, Any]:
        """Response of data/hops; takes at most about SECONDS, whichever servers are down."""
        return self._shared.get("hops", self._hops)

    def _hops(self) -> dict[str, Any]:
        asked = {
            "Kafka": self._clients.ask_kafka,
            "MySQL": self._clients.ask_mysql,
            "Elasticsearch": self._clients.ask_elasticsearch,
            "Airflow": lambda: {"runs": page_runs.newest(DAGS), "stream": stream_facts.read()},
        }
        futures = {server: self._ask(server, ask) for server, ask in asked.items()}
        until = time.monotonic() + SECONDS
        found: dict[str, Any] = {}
        away: dict[str, str] = {}
        for server, future in futures.items():
            try:
                found[server] = future.result(max(until - time.monotonic(), 0))
            except NotInTimeError:
                away[server] = f"no answer within {SECONDS} s"
            except (*SERVER_ERRORS, SQLAlchemyError) as error:
                away[server] = reason(error)
        parts = [dict(found.get(server, {})) for server in ("Kafka", "MySQL", "Elasticsearch")]
        newest = {hop: at for part in parts for hop, at in part.pop("newest", {}).items()}
        users, closed = parts[1].pop("users", None), parts[1].pop("reconciled", None)
        airflow = found.get("Airflow", {})
        runs: dict[str, Run] = airflow.get("runs", {})
        numbers = {name: value for part in parts for name, value in part.items()}
        known = {"runs": runs, "stream": airflow.get("stream"), "troubles": troubles.read(self._settings.troubles)}
        sample = Sample(datetime.now(UTC), away, newest=newest, **known, **numbers)
        return {
            "now": text(sample.at),
            "hops": way.describe(sample, self._before(sample)),
            "users": users and {name: text(v) if isinstance(v, datetime) else v for name, v in users.items()},
            "reconciled": None if "MySQL" in away else way.reconciled(closed, runs.get(RECONCILE_DAG)),
            "chaos": self._chaos(),
            "disk": free_space.short(self._settings),
        }

    def _ask(self, server: str, ask: Callable[[], Any]) -> Future[Any]:
        """Submits at most one query per server at a time: a hung server is not asked again before it answers."""
        with self._asking:
            known = self._asked.get(server)
            if known is None or known.done():
                self._asked[server] = known = self._pool.submit(ask)
            return known

    def _before(self, sample: Sample) -> Sample | None:
        """The sample that rates are relative to; stores the new one."""
        if self._samples and sample.at < self._samples[-1].at:  # the clock was set back
            self._samples.clear()
        self._samples.append(sample)

        def age(number: int) -> float:
            return (sample.at - self._samples[number].at).total_seconds()

        while len(self._samples) > 2 and age(1) >= SAMPLES_SECONDS:
            self._samples.popleft()
        if age(0) > 3 * SAMPLES_SECONDS:  # the page was not open for a while
            self._samples.popleft()
        return self._samples[0] if len(self._samples) > 1 else None

    def _chaos(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self._settings.state / "chaos.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found


def _page(found: list[dict[str, Any]], size: int, source: str, notice: str | None) -> dict[str, Any]:
    logs, last = found[:size], None
    if len(found) > size:
        partition, offset = map(int, logs[-1]["origin"].split("-"))
        last = str(Place.at(datetime.fromisoformat(logs[-1]["received_at"]), partition, offset))
    return {"source": source, "notice": notice, "logs": logs, "next": last}


def _counting(error: TakesLongError) -> PageError:
    return PageError(
        503, f"{error} is still counting.", "Wait: each refresh continues the count. Or choose a shorter range."
    )


def _both_away() -> PageError:
    return PageError(503, "Neither Elasticsearch nor MySQL answers.", "Run ./logsieve status, then ./logsieve up.")
