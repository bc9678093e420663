"""Judges logs again by the current users history, and corrects their verdicts in the topic, tables and index.

**When**: automatically after `users_dimension` has changed the history, for the changed accounts and days. Manually for
a range of events or some accounts; with `dry_run` it only counts. From the shell: `./logsieve rejudge`.

**What is normal**: skipped if nothing is pending, else green within minutes; `correct` returns the counts, for example
good → suspicious. The stream keeps running.

**When it is red**: the last lines of `judge` show what it waited for: the stream must have read the new users, and have
loaded what it judged by the old ones. Nothing is lost and pending changes stay pending: clear the task.
"""

from contextlib import closing
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Asset, BaseHook, Param, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from include.driver.submit import submit_conf
from include.names import REJUDGE, USERS_ASSET
from include.settings import ROOT, Settings
from plugins.house import SCHEDULED
from plugins.users import connect

settings = Settings()
TIME: dict[str, Any] = {"type": ["null", "string"], "format": "date-time", "maxLength": 40}


@dag(
    schedule=[Asset(USERS_ASSET)],
    **SCHEDULED,
    params={
        "begin": Param(None, **TIME, description="events from this time on, UTC; empty: from the first"),
        "end": Param(None, **TIME, description="events before this time, UTC; empty: up to now"),
        "accounts": Param(
            None, type=["null", "array"], items={"type": "integer"}, maxItems=10_000, description="only these accounts"
        ),
        "dry_run": Param(False, type="boolean", description="only count what would change"),
    },
    doc_md=__doc__,
)
def rejudge_logs() -> None:
    @task
    def choose(params: Any = None, run_id: Any = None) -> list[str]:
        """The job's arguments: the requested logs, or else the pending changes of the users."""
        from include.users.history import is_any_pending

        asked = [f"--{name}={params[key]}" for name, key in (("from", "begin"), ("to", "end")) if params[key]]
        asked += [f"--account={number}" for number in params["accounts"] or ()]
        if not asked:
            with closing(connect()) as connection:
                if not is_any_pending(connection.cursor()):
                    raise AirflowSkipException("No changes of the users are pending.")
        dry_run = ["--dry-run"] if params["dry_run"] else []
        report = settings.state / "rejudge" / f"{run_id.replace('/', '_')}.json"
        report.parent.mkdir(parents=True, exist_ok=True)
        return ["--events" if asked else "--changes", *asked, *dry_run, f"--report={report}"]

    chosen: Any = choose()
    judge = SparkSubmitOperator(
        task_id="judge",
        conn_id="spark",
        name="rejudge_logs",
        application=str(ROOT / "jobs" / "rejudge_logs.py"),
        application_args=chosen,
        conf=submit_conf(settings, REJUDGE),
    )

    @task
    def correct(arguments: list[str], params: Any = None) -> dict[str, int]:
        """Waits until the corrections are in MySQL, then closes the pending changes. Returns logs by status change."""
        from include.driver.rejudgement import Report
        from include.names import DRIVER
        from include.topics import catch_up, hops
        from include.users.history import close_changes

        found = Report.from_json(Path(arguments[-1].removeprefix("--report=")).read_text())
        kafka = BaseHook.get_connection("kafka").extra_dejson
        with closing(connect()) as connection, closing(connection.cursor()) as cursor:
            connection.autocommit = True
            if found.sent:
                with hops.looking(kafka, DRIVER) as consumer:
                    catch_up.wait(consumer, cursor)
            if found.users_version and not params["dry_run"]:
                close_changes(cursor, found.users_version)
        return {
            f"{each.was} → {each.now}" if each.changed else f"still {each.now}": each.logs for each in found.changes
        }

    judge >> correct(chosen)


rejudge_logs()
