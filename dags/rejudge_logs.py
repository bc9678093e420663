"""Judges logs again by the current users history, and corrects their verdicts in the topic, tables and index.

**When**: automatically after `users_dimension` has changed the history, for the changed accounts and days. Manually for
a range of events or some accounts; with `dry_run` it only counts. From the shell: `./logsieve rejudge`.

**What is normal**: skipped if nothing is pending, else green within minutes; `correct` returns the counts, for example
good → suspicious. The stream keeps running.

**When it is red**: the last lines of `judge` show what it waited for: the stream must have read the new users, and have
loaded what it judged by the old ones. Nothing is lost and pending changes stay pending: clear the task.
"""

from contextlib import closing
from typing import Any

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from include.contract.sizes import MOST_KEY
from include.driver.rejudgement import Report, arguments
from include.names import REJUDGE
from plugins import assets
from plugins.house import SCHEDULED
from plugins.outside import Connections
from plugins.spark_job import ReportingJobOperator

outside = Connections()
TIME: dict[str, Any] = {"type": ["null", "string"], "format": "date-time", "maxLength": 40}


@dag(
    schedule=[assets.USERS_HISTORY],
    **SCHEDULED,
    params={
        "begin": Param(None, **TIME, description="events from this time on, UTC; empty: from the first"),
        "end": Param(None, **TIME, description="events before this time, UTC; empty: up to now"),
        "accounts": Param(
            None,
            type=["null", "array"],
            items={"type": ["integer", "string"], "maxLength": MOST_KEY},
            maxItems=10_000,
            description="only these accounts",
        ),
        "dry_run": Param(False, type="boolean", description="only count what would change"),
    },
    doc_md=__doc__,
)
def rejudge_logs() -> None:
    @task
    def choose(params: Any = None) -> list[str]:
        """The job's arguments: the requested logs, or else the pending changes of the users."""
        from include.contract import reading
        from include.users.history import is_any_pending

        if reading.current().dimension is None:
            raise AirflowSkipException("The contract has no dimension: a log that is not bad is good.")
        asked = any(params[name] for name in ("begin", "end", "accounts"))
        if not asked:
            with closing(outside.users()) as connection:
                if not is_any_pending(connection.cursor()):
                    raise AirflowSkipException("No changes of the users are pending.")
        which = {name: params[name] for name in ("begin", "end", "dry_run")}
        return arguments(changes=not asked, accounts=params["accounts"] or (), **which)

    chosen: Any = choose()
    judge = ReportingJobOperator(
        task_id="judge",
        job=REJUDGE,
        name="rejudge_logs",
        application_args=chosen,
        # Not the logs: Airflow's graph follows a task from one side only, and from the logs it is to find the users.
        inlets=[assets.USERS_HISTORY],
        outlets=[assets.STATUS],
        pre_execute=assets.declare_only,
    )

    @task
    def correct(report: Any, params: Any = None) -> dict[str, int]:
        """Waits until the corrections are in MySQL, then closes the pending changes. Returns logs by status change."""
        from include.names import DRIVER
        from include.topics import catch_up
        from include.users.history import close_changes

        found = Report.from_json(report)
        with closing(outside.users()) as connection, closing(connection.cursor()) as cursor:
            connection.autocommit = True
            if found.sent:
                with outside.looking(DRIVER) as consumer:
                    catch_up.wait(consumer, cursor)
            if found.users_version and not params["dry_run"]:
                close_changes(cursor, found.users_version)
        return {
            f"{each.was} → {each.now}" if each.changed else f"still {each.now}": each.logs for each in found.changes
        }

    correct(judge.output)


rejudge_logs()
