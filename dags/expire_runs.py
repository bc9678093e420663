"""Removes leftovers of DAG runs: old runs and tasks in Airflow's metadata, and the files they wrote.

**When**: daily. Runs are kept for `runs_days` after their end (`LOGSIEVE_RUNS_DAYS`, 7 by default). The newest run of
each DAG stays, and so do active runs, such as the endless ones of the stream and the generator. Their logs are cut to
the newest 5 MiB once they exceed 10 MiB.

**What is normal**: green within a minute; skipped without a connection `metadata` to Airflow's PostgreSQL, which the
embedded stack and the containers have. `expire_metadata` returns the number of removed runs, `expire_files` that of
removed files.

**When it is red**: old runs stay until the next day, and nothing else is affected; clear the task or wait. The error
comes from PostgreSQL or from the disk.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.sdk import Param, dag, task

from include.settings import Settings
from plugins import metadata
from plugins.house import SCHEDULED


@dag(
    schedule="15 3 * * *",
    **SCHEDULED,
    params={
        "runs_days": Param(
            Settings().runs_days,
            type="number",
            minimum=0.01,
            maximum=3650,
            description="days after a run's end",
        )
    },
    doc_md=__doc__,
)
def expire_runs() -> None:
    @task
    def expire_metadata(params: Any = None) -> int:
        """Removes old runs with all their records, then orphaned records; returns the number of runs."""
        from include.retention import airflow_runs

        with metadata.transaction() as cursor:
            count = airflow_runs.expire(cursor, params["runs_days"])
        metadata.clean(airflow_runs.TABLES, datetime.now(UTC) - timedelta(days=params["runs_days"]))
        return count

    @task
    def expire_files(params: Any = None) -> int:
        """Removes files of runs that no longer exist; returns the number of files."""
        from include.retention import airflow_runs, run_files

        with metadata.transaction() as cursor:
            kept = set(airflow_runs.kept(cursor))
        names = ("base_log_folder", "dag_processor_child_process_log_directory")
        logs, parsed = (Path(conf.get_mandatory_value("logging", name)) for name in names)
        return run_files.expire(logs, parsed, kept, params["runs_days"])

    expire_metadata() >> expire_files()


expire_runs()
