"""The stream: submits the Spark application that gives every log its status and loads the verdicts into MySQL.

**When**: `bootstrap` starts it for ever (`trigger` realtime or interval). A run by hand is bounded unless you choose
otherwise: with `available-now` it works off every log that is there and ends. A second driver is never started beside a
living one: then `stream` is skipped, and its log says why. Before `bootstrap` made what it needs, it waits.

**What is normal**: one run, always running, its task `stream` on its first try; few lines in its log.

**When it is red or on a later try**: the last lines of the task's log say which query failed and why. It is tried again
for ever, with a growing pause of at most a minute; it goes on where it stopped. To stop it: `./logsieve stream stop`.
"""

import mysql.connector
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import BaseHook, Context, Param, dag
from airflow.sdk.exceptions import AirflowSkipException
from mysql.connector import errorcode

from include.health import lease_is_free
from include.names import DRIVER, LEASE_TABLE, LOGS_DATABASE
from include.settings import ROOT, Settings
from include.spark_conf import submit_conf
from plugins.house import RETRIES, RETRY_FOR_EVER

settings = Settings()

NO_TABLE_YET = {errorcode.ER_BAD_DB_ERROR, errorcode.ER_NO_SUCH_TABLE}

OWNER = "{{ dag.dag_id }} {{ run_id }}"
"""The tries of one run are one owner of the lease: the next takes over at once from the orphan of the last."""


def skip_if_another_lives(context: Context) -> None:
    """Skips the task while the driver of another run lives: that one judges the logs, and nothing is to do."""
    hook: DbApiHook = BaseHook.get_hook("mysql")
    query = f"SELECT owner, holder, heartbeat_at, UTC_TIMESTAMP(3) FROM {LOGS_DATABASE}.{LEASE_TABLE} WHERE name = %s"  # noqa: S608
    try:
        row = hook.get_first(query, parameters=(DRIVER,))
    except mysql.connector.ProgrammingError as error:
        if error.errno not in NO_TABLE_YET:
            raise
        return
    if row is None or row[0] == context["task"].render_template(OWNER, context) or lease_is_free(row[2], row[3]):
        return
    raise AirflowSkipException(f"The driver {row[1]} of {row[0]} lives and judges the logs: nothing to do here.")


@dag(
    schedule=None,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=RETRIES,
    params={
        "trigger": Param(
            "available-now",
            enum=["realtime", "interval", "available-now"],
            description="available-now works off what is there and ends; realtime and interval never end",
        )
    },
    doc_md=__doc__,
)
def classify_logs() -> None:
    SparkSubmitOperator(
        task_id="stream",
        conn_id="spark",
        name="logsieve",
        application=str(ROOT / "jobs" / "stream_logs.py"),
        application_args=["--trigger", "{{ params.trigger }}", "--owner", OWNER],
        conf=submit_conf(settings),
        pre_execute=skip_if_another_lives,
        **RETRY_FOR_EVER,
    )


classify_logs()
