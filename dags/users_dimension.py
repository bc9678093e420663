"""Loads one day's accounts export into the users dimension: the device that each account is expected to use.

**When**: daily at midnight UTC, for the day that begins; `bootstrap` triggers it for today; for past days
`airflow backfill create --dag-id users_dimension --from-date 2026-01-01 --to-date 2026-01-31`.
Loading a day again changes nothing; an older day than the newest one loaded leaves the current state as it is.

**When it is red**: the log names what is wrong with the export, and nothing was loaded. A missing export is waited for
through the retries. Mend the file below the accounts folder (`ds=YYYY-MM-DD/accounts.csv`) and clear the task.
"""

from datetime import date, datetime, timedelta
from typing import Any

from airflow.sdk import BaseHook, ObjectStoragePath, dag, task

from include.settings import Settings
from plugins.house import RETRIES

CHUNK = 10_000
"""Rows a statement."""


@dag(
    schedule="@daily",
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=RETRIES | {"retry_delay": timedelta(seconds=5)},
    doc_md=__doc__,
)
def users_dimension() -> None:
    @task
    def load_export(logical_date: Any = None, dag_run: Any = None) -> str:
        """Replaces the current state by the day's export, in one transaction."""
        from include.accounts import read_export

        day: date = (logical_date or dag_run.run_after).date()
        path = ObjectStoragePath(Settings().accounts_exports) / f"ds={day}" / "accounts.csv"
        with path.open("r", encoding="utf-8", newline="") as export:
            rows = read_export(export, str(path))
        connection = BaseHook.get_hook("mysql").get_conn()
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT MAX(ds) FROM dim_users.loads FOR UPDATE")
            (newest,) = cursor.fetchone()
            if newest and newest > day:
                return f"{newest} is loaded already and is newer than {day}: the current state stays as it is."
            cursor.execute("DELETE FROM dim_users.users")
            for start in range(0, len(rows), CHUNK):
                insert = "INSERT INTO dim_users.users (account_no, user_device) VALUES (%s, %s)"
                cursor.executemany(insert, rows[start : start + CHUNK])
            cursor.execute("REPLACE INTO dim_users.loads VALUES (%s, %s, UTC_TIMESTAMP(3))", (day, len(rows)))
            connection.commit()
        finally:
            connection.close()
        return f"{len(rows)} accounts of {day} are the current state."

    load_export()


users_dimension()
