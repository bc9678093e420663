"""Removes logs that were loaded `retention_days` ago: their rows by slices, a whole one at a time, and their documents.

**When**: daily. A log is kept at least so many days from when it was loaded, whatever its sender's clock says, and at
most longer by a day and the time that its slice took to fill: a slice is about a day of logs, and a million at least.
`retention_days` is `LOGSIEVE_RETENTION_DAYS`, 30 without it; 0 keeps all for ever.

**What is normal**: green within seconds, and minutes where millions of documents go. `make_slices` cuts slices ahead of
the logs; `expire_rows` tells up to which offset of each partition logs have expired. `./logsieve why` says "expired" of
such a log, and `reconcile_logs` begins behind it.

**When it is red**: what was to expire is kept until the next run, and nothing else is touched; clear the task or wait
for the next day. `Lock wait timeout exceeded`: somebody has been reading the tables in one transaction for ten minutes.
Elasticsearch away: the rows are gone, the documents go at the next run.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Param, dag, task

from include.settings import Settings
from plugins import search, slices
from plugins.house import UNATTENDED


@dag(
    # Not on the hour: the hourly proof would hold the tables that this one alters.
    schedule="30 2 * * *",
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=UNATTENDED,
    params={
        "retention_days": Param(
            Settings().retention_days, type="integer", minimum=0, maximum=3650, description="0: for ever"
        ),
    },
    doc_md=__doc__,
)
def expire_logs() -> None:
    @task
    def make_slices(params: Any = None) -> None:
        """Cuts slices ahead of the logs, while they are empty."""
        slices.make_slices(params["retention_days"])

    @task
    def expire_rows(params: Any = None) -> list[str]:
        """Drops the slices that are old enough; tells what expired."""
        from include import expiry

        said: list[str] = []
        with slices.alone() as cursor:
            expiry.rows(cursor, params["retention_days"], said.append)
        return said

    @task
    def expire_documents() -> None:
        """Deletes the documents of all that has expired; its log tells how far it is."""
        from include import expiry, hops

        with slices.alone() as cursor, search.connect() as index:
            expiry.documents(index, hops.read_expired(cursor), print)  # a task's output is its log

    make_slices() >> expire_rows() >> expire_documents()


expire_logs()
