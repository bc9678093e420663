"""Judges logs again by today's users history, and corrects their verdicts in the topic, the tables and the index.

**When**: by itself, after `users_dimension` has changed the history: then for the accounts and days that were changed.
By hand for a range of events, or for some accounts; with `dry_run` it only counts. The same from the shell:
`./logsieve rejudge`.

**What is normal**: skipped when nothing is pending, else green within minutes; `correct` gives the counts, good →
suspicious and back. The stream goes on meanwhile.

**When it is red**: `judge` names in its last lines what it waited for: the stream, which has to have taken up the new
users and to have loaded what it judged by the old ones. Nothing is lost: what is pending stays so, clear the task.
"""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Asset, BaseHook, Param, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from include.driver.submit import submit_conf
from include.names import REJUDGE, USERS_ASSET
from include.settings import ROOT, Settings
from plugins.house import UNATTENDED
from plugins.users import connect

settings = Settings()
TIME: dict[str, Any] = {"type": ["null", "string"], "format": "date-time", "maxLength": 40}


@dag(
    schedule=[Asset(USERS_ASSET)],
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=UNATTENDED,
    params={
        "begin": Param(None, **TIME, description="of events from then on, UTC; empty: from the first"),
        "end": Param(None, **TIME, description="of events before, UTC; empty: up to now"),
        "accounts": Param(
            None, type=["null", "array"], items={"type": "integer"}, maxItems=10_000, description="of these only"
        ),
        "dry_run": Param(False, type="boolean", description="only count what would change"),
    },
    doc_md=__doc__,
)
def rejudge_logs() -> None:
    @task
    def choose(params: Any = None, run_id: Any = None) -> list[str]:
        """The job's arguments: what was asked for, or else the changes of the users that are pending."""
        from include.users.history import is_any_pending

        asked = [f"--{name}={params[key]}" for name, key in (("from", "begin"), ("to", "end")) if params[key]]
        asked += [f"--account={number}" for number in params["accounts"] or ()]
        if not asked:
            with closing(connect()) as connection:
                if not is_any_pending(connection.cursor()):
                    raise AirflowSkipException("No change of the users is pending.")
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
        """Waits until the corrections are in MySQL, then closes what was pending. Gives logs by what became of them."""
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
