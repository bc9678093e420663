"""Removes logs that were loaded `retention_days` ago, and logs that no longer fit on the disk, oldest first.

Rows are dropped in whole slices. The documents of the same origins are hidden from all readers at once, and dropped
with the index of their day, when all of its logs have expired.

**When**: every ten minutes. A log is kept for at least `retention_days` after it was loaded, whatever its sender's
clock says, and at most a day longer, plus the time to fill its slice. A slice has about a day of logs, at least a
million, but only a small part of what fits on the disk. Logs go sooner if all hops together would use more than
`disk_gib` (include/retention/disk_bounds.py). `retention_days` is `LOGSIEVE_RETENTION_DAYS`, 30 by default; 0 keeps
everything. `disk_gib` is `LOGSIEVE_DISK_GIB`, 20 in the embedded stack; 0 means no bound.

**What is normal**: green within seconds, or minutes if the indices exceed their part of `disk_gib`, so that millions of
hidden documents are deleted. `bound_topics` sets both topics' part of the bound; `make_slices` creates slices ahead of
the logs; `expire_rows` returns the offset up to which each partition has expired. `./logsieve why` shows "expired" for
such a log, and `reconcile_logs` starts after it.

**When it is red**: logs due to expire stay until the next run, and nothing else is affected; clear the task or wait for
the next run. `Lock wait timeout exceeded`: a transaction has been reading the tables for ten minutes. Elasticsearch
down: the rows are gone, and the documents go with the next run.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from include.retention.disk_bounds import divide
from include.settings import Settings
from plugins import slices
from plugins.house import SCHEDULED
from plugins.outside import Connections

settings = Settings()
outside = Connections()


@dag(
    # Not on the hour: the hourly proof locks the tables that this DAG alters.
    schedule="4-54/10 * * * *",
    **SCHEDULED,
    params={
        "retention_days": Param(
            settings.retention_days,
            type="integer",
            minimum=0,
            maximum=3650,
            description="days; 0: forever",
        ),
        "disk_gib": Param(
            settings.disk_gib or 0,
            type="number",
            minimum=0,
            maximum=1_000_000,
            description="all hops, GiB; 0: no bound",
        ),
    },
    doc_md=__doc__,
)
def expire_logs() -> None:
    @task
    def bound_topics(params: Any = None) -> dict[str, dict[str, str]]:
        """Sets both topics' part of the bound, if there is one; returns the changed settings by topic."""
        from include.retention import topic_bounds

        bounds = divide(params["disk_gib"])
        return topic_bounds.apply(outside.admin(), bounds) if bounds else {}

    @task
    def make_slices(params: Any = None) -> None:
        """Creates slices ahead of the logs, while they are empty."""
        slices.make_slices(outside, params["retention_days"], params["disk_gib"])

    @task
    def expire_rows(params: Any = None) -> list[str]:
        """Drops slices that are old enough or do not fit; returns what expired."""
        from include.retention import expiry

        bounds, expired = divide(params["disk_gib"]), list[str]()
        size = _document_bytes() if bounds else None
        with slices.alone(outside) as cursor:
            expiry.rows(cursor, params["retention_days"], expired.append, bounds, size)
        return expired

    @task
    def expire_documents(params: Any = None) -> None:
        """Hides, drops or deletes the documents of expired logs, and expired dead letters; logs its progress."""
        from include.index import dead_letters
        from include.retention import documents
        from include.topics import hops

        with slices.alone(outside) as cursor, outside.search() as index:
            expired = hops.read_expired(cursor)
            documents.remove(index, expired, print, divide(params["disk_gib"]))  # a task's output is its log
        dead_letters.expire(settings, expired)

    bound_topics()
    make_slices() >> expire_rows() >> expire_documents()


def _document_bytes() -> float | None:
    """Bytes per document; None while Elasticsearch is down: rows still expire, and no documents are added."""
    from elastic_transport import TransportError
    from elasticsearch import ApiError

    from include.retention import fitting

    try:
        with outside.search() as index:
            return fitting.document_bytes(index)
    except (TransportError, ApiError) as error:
        print(f"Elasticsearch does not report the size of its documents: {error}")  # noqa: T201  Airflow keeps it as the log
        return None


expire_logs()
