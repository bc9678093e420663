"""Removes what runs of the DAGs have left: old runs and tasks in Airflow's metadata, and the files that they wrote.

**When**: daily. Runs are kept `runs_days` from their end, `LOGSIEVE_RUNS_DAYS`, 7 without it. The newest of each DAG
stays, and so does each that has not ended: the stream and the generator, whose runs never end. Of what these write the
newest 5 MiB stay, once it is more than 10 MiB.

**What is normal**: green within a minute; skipped where there is no connection `metadata` to Airflow's PostgreSQL, as
the embedded stack and the containers have it. `expire_metadata` gives how many runs went, `expire_files` how many
files.

**When it is red**: old runs are kept until the next day, and nothing else is touched; clear the task, or wait. Its
error is that of PostgreSQL or of the disk.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.sdk import Param, dag, task

from include.settings import Settings
from plugins import metadata
from plugins.house import UNATTENDED


@dag(
    schedule="15 3 * * *",
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=UNATTENDED,
    params={
        "runs_days": Param(
            Settings().runs_days, type="number", minimum=0.01, maximum=3650, description="from the end of a run"
        )
    },
    doc_md=__doc__,
)
def expire_runs() -> None:
    @task
    def expire_metadata(params: Any = None) -> int:
        """Removes old runs with all that belongs to them, then what belongs to no run; gives how many runs."""
        from include.retention import airflow_runs

        with metadata.transaction() as cursor:
            count = airflow_runs.expire(cursor, params["runs_days"])
        metadata.clean(airflow_runs.TABLES, datetime.now(UTC) - timedelta(days=params["runs_days"]))
        return count

    @task
    def expire_files(params: Any = None) -> int:
        """Removes the files of runs that are not there any more; gives how many."""
        from include.retention import airflow_runs, run_files

        with metadata.transaction() as cursor:
            kept = set(airflow_runs.kept(cursor))
        names = ("base_log_folder", "dag_processor_child_process_log_directory")
        logs, parsed = (Path(conf.get_mandatory_value("logging", name)) for name in names)
        return run_files.expire(Settings(), logs, parsed, kept, params["runs_days"])

    expire_metadata() >> expire_files()


expire_runs()
