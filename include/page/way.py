"""The way of a log: for each hop its count, rate, lag and health."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import quote

from include.driver.lease import Driver
from include.driver.stream_verdict import UNJUDGED, Airflow
from include.driver.stream_verdict import assess as assess_stream
from include.index.positions import HOW_TO_GO_ON
from include.names import CLASSIFY_DAG, GENERATE_DAG, LOGS_TOPIC, STATUS_TOPIC
from include.page.filters import text
from include.watch.health import FRESH_SECONDS, LAG_LIMIT
from include.watch.troubles import Standing

Health = Literal["ok", "late", "broken", "unknown"]


@dataclass(frozen=True)
class Run:
    """The newest run of a DAG."""

    dag_id: str
    run_id: str
    state: str
    at: datetime
    """When it started, or is due to."""
    base: str = ""
    """Path of Airflow's address, without the last slash."""

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.state in ("queued", "running")

    def link(self, task: str | None = None) -> str:
        """Link to the run, or to one of its tasks, in Airflow's UI."""
        place = f"{self.base}/dags/{self.dag_id}/runs/{quote(self.run_id, safe='')}"
        return f"{place}/tasks/{task}" if task else place


@dataclass(frozen=True)
class Sample:
    """Numbers at one moment. None: unknown, because the server is unreachable (see `away`) or empty."""

    at: datetime
    away: Mapping[str, str] = field(default_factory=dict)
    """Client errors by unreachable server (Kafka, MySQL, Elasticsearch)."""
    logs: int | None = None
    """Logs sent; the next fields: logs classified, status messages, logs and messages loaded, messages indexed."""
    classified: int | None = None
    status: int | None = None
    loaded_logs: int | None = None
    loaded: int | None = None
    indexed: int | None = None
    documents: int | None = None
    removed: str = ""
    """Verdicts that Kafka removed before they were indexed, as a sentence; empty: none."""
    newest: Mapping[str, datetime | None] = field(default_factory=dict)
    """By hop, when its newest log reached server-logs (status topic: when its newest message was sent)."""
    heartbeat_at: datetime | None = None
    """Heartbeat of the driver's lease."""
    stop_asked: bool = False
    runs: Mapping[str, Run] = field(default_factory=dict)
    """By DAG."""
    stream: Airflow | None = None
    """Airflow's view of the stream."""
    troubles: Mapping[str, Standing] = field(default_factory=dict)
    """Troubles by part, as read by include/watch/troubles.py."""

    def done(self, hop: str) -> int | None:
        """The counter that the hop's rate is derived from."""
        return {
            "generator": self.logs, LOGS_TOPIC: self.logs, "classify": self.classified, STATUS_TOPIC: self.status,
            "MySQL": self.loaded, "Elasticsearch": self.indexed,
        }[hop]  # fmt: skip


HOPS: Final = ("generator", LOGS_TOPIC, "classify", STATUS_TOPIC, "MySQL", "Elasticsearch")


def describe(now: Sample, before: Sample | None) -> list[dict[str, Any]]:
    """The hops in order: name, rate (per second, since `before`), count, lag, freshness_seconds, health, sentence,
    remedy and link. Pure."""
    found = []
    for hop in HOPS:
        rate, newest = _rate(now, before, hop), now.newest.get(hop)
        numbers: dict[str, Any] = {
            "rate": rate,
            "count": _count(now, hop),
            "lag": _lag(now, hop),
            "freshness_seconds": newest and round(max((now.at - newest).total_seconds(), 0), 1),
        }
        health, sentence, remedy, link = _verdict(now, hop, numbers)
        found.append({"name": hop, **numbers, "health": health, "sentence": sentence, "remedy": remedy, "link": link})
    return found


def _rate(now: Sample, before: Sample | None, hop: str) -> float | None:
    done, earlier = now.done(hop), before.done(hop) if before else None
    if before is None or done is None or earlier is None or now.at <= before.at:
        return None
    return round(max(done - earlier, 0) / (now.at - before.at).total_seconds(), 1)


def _count(now: Sample, hop: str) -> int | None:
    counts = {LOGS_TOPIC: now.logs, "classify": now.classified, STATUS_TOPIC: now.status}
    return (counts | {"MySQL": now.loaded_logs, "Elasticsearch": now.documents}).get(hop)


def _lag(now: Sample, hop: str) -> int | None:
    ends = {"classify": now.logs, "MySQL": now.status, "Elasticsearch": now.status}
    end, done = ends.get(hop), now.done(hop)
    return None if end is None or done is None else max(end - done, 0)


_Verdict = tuple[Health, str, str | None, str | None]
"""Health, sentence, remedy, link."""


def _verdict(now: Sample, hop: str, numbers: dict[str, Any]) -> _Verdict:
    if hop == "generator":
        return _generator(now, numbers["rate"])
    server = {"MySQL": "MySQL", "Elasticsearch": "Elasticsearch"}.get(hop, "Kafka")
    if server in now.away:
        if hop == "classify":
            return "unknown", "The progress of classify is unknown while Kafka is unreachable.", None, None
        return "broken", f"{server} is unreachable: {now.away[server]}", _REMEDY.format(server.lower()), None
    if hop == "classify":
        found = _trouble(now, "start", "classify") or _driver(now, UNJUDGED) or _trouble(now, "users", "lease")
    elif hop == "MySQL":
        found = _trouble(now, "start", "load") or _driver(now, "Nothing is loaded.") or _trouble(now, "lease")
    elif hop == "Elasticsearch" and now.removed:
        found = "broken", now.removed, HOW_TO_GO_ON, None
    elif hop == "Elasticsearch":
        found = _trouble(now, "index")
    else:
        found = None
    return found or _numbers(now, hop, numbers)


def _trouble(now: Sample, *parts: str) -> _Verdict | None:
    """The first part's trouble; troubles of lease and users are not broken, since judging continues."""
    for part in parts:
        if standing := now.troubles.get(part):
            health: Health = "late" if part in ("lease", "users") else "broken"
            return health, f"{standing.sentence}.", f"{standing.remedy}.", None
    return None


_REMEDY: Final = (
    "./logsieve status shows which servers are up, ./logsieve logs {} shows its log; ./logsieve up starts it again."
)


def _generator(now: Sample, rate: float | None) -> _Verdict:
    run = now.runs.get(GENERATE_DAG)
    if run is None:
        return "unknown", "The DAG generate_logs has not run: logs come from other senders, if any.", None, None
    link = run.link("generate")
    if run.active:
        return "ok", f"generate_logs is {run.state}.", None, link
    if run.state == "failed" and not rate:
        return "broken", "The newest run of generate_logs failed.", "See its log, and trigger the DAG again.", link
    return "ok", "No run of generate_logs is active: logs come from other senders, if any.", None, link


def _driver(now: Sample, effect: str) -> _Verdict | None:
    """Why the stream does not run, with its effect on a hop; None if it does."""
    if "MySQL" in now.away or "lease" in now.troubles:  # reported by a live driver
        return None
    found = assess_stream(Driver(now.heartbeat_at, now.at, now.stop_asked), now.stream)
    if found.health == "ok":
        return None
    run = now.runs.get(CLASSIFY_DAG)
    sentence = f"{found.cause} {effect}" if found.cause else found.sentence
    return found.health, sentence, found.remedy, run.link("stream") if run else None


def _numbers(now: Sample, hop: str, numbers: dict[str, Any]) -> _Verdict:
    run = now.runs.get(CLASSIFY_DAG)
    link = run.link("stream") if run and hop in ("classify", STATUS_TOPIC, "MySQL") else None
    lag, age = numbers["lag"], numbers["freshness_seconds"]
    if lag is not None and lag > LAG_LIMIT:
        remedy = "./logsieve logs indexer" if hop == "Elasticsearch" else "See the task's log."
        return "late", f"{lag:,} logs wait, more than {LAG_LIMIT:,}.", remedy, link
    if age is None and numbers["count"] is None:
        return "unknown", "Nothing is known yet.", None, link
    if hop == "classify":
        return "ok", f"{lag or 0:,} logs wait.", None, link
    if age is None:
        return "late", "It is empty.", "Check that logs are sent and the stream runs.", link
    if age > FRESH_SECONDS:
        return "late", f"The newest is {age:,.0f} s old.", "Check that logs are sent and the stream runs.", link
    return "ok", f"The newest is {age:,.0f} s old" + (f", {lag:,} wait." if lag is not None else "."), None, link


def reconciled(closed: tuple[datetime, int] | None, run: Run | None) -> dict[str, Any] | None:
    """The last conservation proof: at, logs (proven in total), state of the newest run, sentence, link. Pure.

    `closed`: when a range was last proven, and the number of logs in all proven ranges; `run`: of reconcile_logs.
    """
    # An active run has not proven anything yet.
    ended = [run.at] if run and not run.active else []
    at = max([*ended, *([closed[0]] if closed else [])], default=run.at if run else None)
    if at is None:
        return None
    logs, state = closed[1] if closed else 0, run.state if run else "success"
    sentence = f"{logs:,} logs are proven complete at every hop."
    if state == "failed":
        sentence += " The newest run failed or found differences between hops: see its log."
    return {
        "at": text(at),
        "logs": logs,
        "state": state,
        "sentence": sentence,
        "link": run.link("prove") if run else None,
    }
