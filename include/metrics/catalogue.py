"""Every metric, listed once: name, kind, unit, labels and meaning. docs/metrics-list.md prints this list.

Names and units follow Prometheus' conventions: base units, times as seconds since 1970, counters end in `_total`.
Labels have few values: a partition, a hop, a status, or one of the contract's reasons. No sender's text is one.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]

OTHER: Final = "other"
"""The reason of logs whose own reason is none of the contract's."""


@dataclass(frozen=True)
class Definition:
    """A metric. `unit`: the last word of its name, before `_total`; empty for a number of things."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    unit: str = ""

    @property
    def family(self) -> str:
        """Its name in the exposition's HELP and TYPE."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name


def _counter(name: str, meaning: str, *labels: str) -> Definition:
    return Definition(f"logsieve_{name}_total", "counter", meaning, labels)


def _gauge(name: str, meaning: str, *labels: str) -> Definition:
    unit = next((each for each in ("seconds", "bytes") if name.endswith(f"_{each}")), "")
    return Definition(f"logsieve_{name}", "gauge", meaning, labels, unit)


def _delay(name: str, meaning: str) -> Definition:
    return Definition(f"logsieve_{name}_delay_seconds", "histogram", meaning, unit="seconds")


METRICS: Final = (
    _gauge("up", "whether a server answered this scrape: kafka, mysql, elasticsearch, indexer (by its consumer"
           " group), and Airflow's parts if LOGSIEVE_METRICS_AIRFLOW is set", "server"),
    _gauge("answer_seconds", "how long the server took to answer this scrape", "server"),
    _counter("logs", "logs whose row is in MySQL, by their first verdict; corrections and expiry change nothing",
             "status"),
    _counter("log_reasons", "the same logs by reason: a log counts once for each of its reasons", "status", "reason"),
    _counter("replaced_verdicts", "verdicts that replaced a row: corrections, and what was read again after a failure"),
    _counter("foreign_messages", "messages in the status topic that are no verdicts, set aside by load"),
    _counter("bad_runs", "how often the bad logs in a row reached LOGSIEVE_BREAKER_IN_A_ROW in a partition"),
    _delay("status", "from the log in Kafka to its status message in Kafka, by the broker's clock"),
    _delay("row", "from the log in Kafka to the commit of its row in MySQL"),
    _delay("document", "from the log in Kafka to its document in Elasticsearch; Logstash does not measure it"),
    _counter("hop_messages", "offset up to which a hop has come: receive, classify (logs), load, index (status"
             " messages)", "hop", "partition"),
    _gauge("backlog_messages", "what waits for a hop: logs for classify, status messages for load and index",
           "hop", "partition"),
    _gauge("newest_timestamp_seconds", "when the newest log at a hop reached Kafka; of the status topic, when its"
           " newest message did", "hop"),
    _gauge("newest_row_timestamp_seconds", "the same by table in MySQL", "status"),
    _gauge("documents", "documents in the index"),
    _gauge("driver_up", "whether a driver holds the lease and renews it"),
    _gauge("driver_epoch", "epoch of the lease: each driver takes the next"),
    _counter("driver_starts", "drivers that took the lease; the same number, for increase()"),
    _gauge("driver_heartbeat_timestamp_seconds", "when the driver last renewed its lease; 0: it ended by itself"),
    _gauge("driver_stop_asked", "whether a person has asked the stream to stop"),
    _gauge("driver_users_version", "version of the users history with which the driver judges"),
    _gauge("users_version", "newest version of the users history"),
    _gauge("users_pending_changes", "look-ups that changed and are not judged again yet, counted up to 100,000"),
    _gauge("blocked_seconds", "for how long a server has refused what a part of the stream asks of it; absent: it does"
           " not", "part"),
    _gauge("refused_documents", "documents that Elasticsearch refused, in the dead-letter file"),
    _gauge("unindexed_gaps", "partitions of which Kafka removed verdicts before they were indexed"),
    _gauge("proof_timestamp_seconds", "when the conservation proof last closed a range"),
    _gauge("proof_logs", "logs that it has proven complete at every hop"),
    _gauge("disk_free_bytes", "free space on the disk of the state folder, and on the servers' if that is another",
           "disk"),
    _gauge("mysql_start_timestamp_seconds", "when MySQL started"),
    _gauge("program_up", "whether a program of the embedded stack runs, by supervisord", "program"),
    _gauge("program_start_timestamp_seconds", "when it was started last: a program that is killed is up again within"
           " seconds, and this tells", "program"),
    _gauge("alarm_limit", "limits of the alerts, by the settings: backlog, bad_share, disk_free_bytes,"
           " fresh_seconds", "alarm"),
    _gauge("expected", "1 if logs of this status are expected at all times, by the generator's settings", "status"),
)  # fmt: skip

BY_NAME: Final = {each.name: each for each in METRICS}


HEADER: Final = ("metric", "kind", "labels", "meaning")


def rows() -> list[list[str]]:
    """The catalogue as rows below HEADER, in Markdown."""
    return [
        [f"`{each.name}`", each.kind, ", ".join(f"`{label}`" for label in each.labels), each.meaning]
        for each in METRICS
    ]
