"""Removes logs that were loaded `retention_days` ago, and those that do not fit the disk any more, the oldest first.

Their rows go by slices, a whole one at a time, and with them the documents of the same origins.

**When**: every ten minutes. A log is kept at least `retention_days` from when it was loaded, whatever its sender's
clock says, and at most longer by a day and the time that its slice took to fill: a slice is about a day of logs, and a
million at least, but a small part of what fits. It goes sooner where the logs of all hops would take more than
`disk_gib` (include/retention/disk_bounds.py). `retention_days` is `LOGSIEVE_RETENTION_DAYS`, 30 by default; 0 keeps
everything. `disk_gib` is `LOGSIEVE_DISK_GIB`, 20 in the embedded stack; 0 is no bound.

**What is normal**: green within seconds, and minutes where millions of documents go. `bound_topics` gives both topics
their part of the bound; `make_slices` cuts slices ahead of the logs; `expire_rows` tells up to which offset of each
partition logs have expired. `./logsieve why` says "expired" of such a log, and `reconcile_logs` begins behind it.

**When it is red**: what was to expire is kept until the next run, and nothing else is touched; clear the task or wait
for the next run. `Lock wait timeout exceeded`: somebody has been reading the tables in one transaction for ten minutes.
Elasticsearch away: the rows are gone, the documents go at the next run.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.providers.apache.kafka.hooks.client import KafkaAdminClientHook
from airflow.sdk import Param, dag, task

from include.retention.disk_bounds import divide
from include.settings import Settings
from plugins import search, slices
from plugins.house import UNATTENDED

settings = Settings()


@dag(
    # Not on the hour: the hourly proof would hold the tables that this one alters.
    schedule="4-54/10 * * * *",
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=UNATTENDED,
    params={
        "retention_days": Param(
            settings.retention_days, type="integer", minimum=0, maximum=3650, description="0: for ever"
        ),
        "disk_gib": Param(
            settings.disk_gib or 0, type="number", minimum=0, maximum=1_000_000, description="of all hops; 0: no bound"
        ),
    },
    doc_md=__doc__,
)
def expire_logs() -> None:
    @task
    def bound_topics(params: Any = None) -> dict[str, dict[str, str]]:
        """Gives both topics their part of the bound; what it had to set, by topic. Without a bound it sets nothing."""
        from include.retention import topic_bounds

        bounds = divide(params["disk_gib"])
        return topic_bounds.apply(KafkaAdminClientHook("kafka").get_conn, bounds) if bounds else {}

    @task
    def make_slices(params: Any = None) -> None:
        """Cuts slices ahead of the logs, while they are empty."""
        slices.make_slices(params["retention_days"], params["disk_gib"])

    @task
    def expire_rows(params: Any = None) -> list[str]:
        """Drops the slices that are old enough, or do not fit; tells what expired."""
        from include.retention import expiry

        bounds, said = divide(params["disk_gib"]), list[str]()
        size = _document_bytes() if bounds else None
        with slices.alone() as cursor:
            expiry.rows(cursor, params["retention_days"], said.append, bounds, size)
        return said

    @task
    def expire_documents() -> None:
        """Deletes the documents of all that has expired, and those that were refused; its log tells how far it is."""
        from include.index import dead_letters
        from include.retention import expiry
        from include.topics import hops

        with slices.alone() as cursor, search.connect() as index:
            expired = hops.read_expired(cursor)
            expiry.documents(index, expired, print)  # a task's output is its log
        dead_letters.expire(settings, expired)

    bound_topics()
    make_slices() >> expire_rows() >> expire_documents()


def _document_bytes() -> float | None:
    """None while Elasticsearch is away: rows expire all the same, and documents do not become more."""
    from elastic_transport import TransportError
    from elasticsearch import ApiError

    from include.retention import fitting

    try:
        with search.connect() as index:
            return fitting.document_bytes(index)
    except (TransportError, ApiError) as error:
        print(f"Elasticsearch does not tell what its documents take: {error}")  # noqa: T201  Airflow keeps it as the log
        return None


expire_logs()
