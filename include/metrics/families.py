"""Turns facts into metrics of the catalogue. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client.core import Metric
from prometheus_client.utils import floatToGoString

from include.contract import reasons
from include.contract.model import Contract
from include.metrics.catalogue import BY_NAME, OTHER
from include.metrics.facts import Facts, OfKafka, OfMySql
from include.names import BAD, GOOD, STATUSES, SUSPICIOUS
from include.retention.disk_bounds import GIB
from include.settings import Settings
from include.watch.health import FRESH_SECONDS, LAG_LIMIT
from include.watch.totals import BOUNDS_MS, Delays, Totals


class Families:
    """Metric families by name, each made when its first value comes."""

    def __init__(self) -> None:
        self._made: dict[str, Metric] = {}

    def set(self, name: str, value: float | None, **labels: str) -> None:
        """Adds a value of this metric (`logsieve_…`); None is left out."""
        if value is not None:
            self._family(f"logsieve_{name}", labels).add_sample(f"logsieve_{name}", labels, float(value))

    def set_time(self, name: str, at: datetime | None, **labels: str) -> None:
        """Adds a time, as seconds since 1970."""
        self.set(name, at.timestamp() if at else None, **labels)

    def set_delays(self, name: str, delays: Delays) -> None:
        """Adds a histogram: buckets are cumulative, as Prometheus has them."""
        name = f"logsieve_{name}"
        family, count = self._family(name, {}), 0
        bounds = [*(floatToGoString(bound / 1000) for bound in BOUNDS_MS), "+Inf"]
        for bound, logs in zip(bounds, delays.buckets, strict=True):
            count += logs
            family.add_sample(f"{name}_bucket", {"le": bound}, count)
        family.add_sample(f"{name}_count", {}, count)
        family.add_sample(f"{name}_sum", {}, delays.sum_ms / 1000)

    def _family(self, name: str, labels: dict[str, str]) -> Metric:
        definition = BY_NAME[name]
        expected = set(definition.labels)
        if set(labels) != expected:
            raise ValueError(f"{name} has the labels {expected}, not {set(labels)}")
        if name not in self._made:
            self._made[name] = Metric(definition.family, definition.meaning, definition.kind, definition.unit)
        return self._made[name]

    def __iter__(self) -> Iterator[Metric]:
        """Yields the families in the catalogue's order."""
        return (self._made[name] for name in BY_NAME if name in self._made)


def collect(facts: Facts, settings: Settings, contract: Contract) -> Families:
    """The metric families. What a silent server would tell is absent; `logsieve_up` says which it is."""
    found = Families()
    for server, seconds in facts.answers.items():
        found.set("up", seconds is not None, server=server)
        found.set("answer_seconds", seconds, server=server)
    for part, healthy in facts.airflow.items():
        found.set("up", healthy, server=part)
    if facts.kafka:
        _of_kafka(found, facts.kafka, facts.mysql.progress if facts.mysql else {})
    if facts.mysql:
        _of_totals(found, facts.mysql.totals, contract)
        _of_mysql(found, facts.mysql)
    if facts.kafka and facts.mysql:
        for partition, end in facts.kafka.topics.status.items():
            _, loaded = facts.mysql.progress.get(partition, (0, 0))
            found.set("backlog_messages", max(end - loaded, 0), hop="load", partition=str(partition))
    if facts.elasticsearch:
        found.set("documents", facts.elasticsearch.documents)
        found.set_time("newest_timestamp_seconds", facts.elasticsearch.newest, hop="elasticsearch")
    for part, blocked in facts.files.blocked.items():
        found.set("blocked_seconds", blocked, part=part)
    for name, program in facts.files.programs.items():
        found.set("program_up", program.up, program=name)
        found.set("program_start_timestamp_seconds", program.started_at, program=name)
    found.set("refused_documents", facts.files.refused)
    for disk, free in facts.files.spaces.items():
        found.set("disk_free_bytes", free, disk=disk)
    _of_settings(found, settings, has_users=contract.dimension is not None)
    return found


def _of_kafka(found: Families, kafka: OfKafka, progress: Mapping[int, tuple[int, int]]) -> None:
    topics = kafka.topics
    found.set("up", kafka.indexer_up, server="indexer")
    for number, end in topics.logs.items():
        partition = str(number)
        loaded, _ = progress.get(number, (0, 0))  # known where Kafka has removed every verdict
        done = max(topics.classified.get(number, 0), topics.oldest.get(number, 0), loaded)
        found.set("hop_messages_total", end, hop="receive", partition=partition)
        found.set("hop_messages_total", done, hop="classify", partition=partition)
        found.set("backlog_messages", max(end - done, 0), hop="classify", partition=partition)
    for number, indexed in kafka.indexed.items():
        partition = str(number)
        found.set("hop_messages_total", indexed, hop="index", partition=partition)
        found.set("backlog_messages", max(topics.status[number] - indexed, 0), hop="index", partition=partition)
    for topic, newest in kafka.newest.items():
        found.set_time("newest_timestamp_seconds", newest, hop=topic)
    found.set("unindexed_gaps", kafka.gaps)
    found.set_delays("document_delay_seconds", kafka.document_delays)


def _of_mysql(found: Families, mysql: OfMySql) -> None:
    for number, (_, loaded) in mysql.progress.items():
        found.set("hop_messages_total", loaded, hop="load", partition=str(number))
    for status, newest in mysql.newest.items():
        found.set_time("newest_row_timestamp_seconds", newest, status=status)
    found.set_time("newest_timestamp_seconds", max(filter(None, mysql.newest.values()), default=None), hop="mysql")
    if row := mysql.lease:
        found.set("driver_up", row.is_alive)
        found.set("driver_epoch", row.epoch)
        found.set("driver_starts_total", row.epoch)
        found.set_time("driver_heartbeat_timestamp_seconds", row.heartbeat_at)
        found.set("driver_stop_asked", row.stop_asked)
        found.set("driver_users_version", row.users_version)
    else:
        found.set("driver_up", 0)
    if mysql.users:
        found.set("users_version", mysql.users["version"])
        found.set("users_pending_changes", mysql.users["pending_changes"])
    if mysql.proven:
        found.set_time("proof_timestamp_seconds", mysql.proven[0])
        found.set("proof_logs", mysql.proven[1])
    found.set_time("mysql_start_timestamp_seconds", mysql.started_at)


def _of_totals(found: Families, totals: Totals, contract: Contract) -> None:
    for status in STATUSES:
        found.set("logs_total", totals.statuses[status], status=status)
    known = {BAD: reasons.of_bad_logs(contract), SUSPICIOUS: reasons.of_suspicious_logs(contract)}
    status_of = {reason: status for status, each in known.items() for reason in each}
    others = Counter({reason: logs for reason, logs in totals.reasons.items() if reason not in status_of})
    for reason, status in status_of.items():
        found.set("log_reasons_total", totals.reasons[reason], status=status, reason=reason)
    found.set("log_reasons_total", others.total(), status=OTHER, reason=OTHER)
    found.set("replaced_verdicts_total", totals.replaced)
    found.set("foreign_messages_total", totals.foreign)
    found.set("bad_runs_total", totals.bad_runs)
    found.set_delays("status_delay_seconds", totals.status_delays)
    found.set_delays("row_delay_seconds", totals.row_delays)


def _of_settings(found: Families, settings: Settings, *, has_users: bool) -> None:
    limits = {
        "backlog": LAG_LIMIT,
        "bad_share": settings.breaker_share,
        "disk_free_bytes": settings.free_gib * GIB,
        "fresh_seconds": FRESH_SECONDS,
    }
    for alarm, limit in limits.items():
        found.set("alarm_limit", limit, alarm=alarm)
    suspicious = settings.share_suspicious if has_users else 0
    shares = {GOOD: round(1 - settings.share_bad - suspicious, 9), BAD: settings.share_bad, SUSPICIOUS: suspicious}
    for status, share in shares.items():
        found.set("expected", share > 0, status=status)
