"""The stream: submits the Spark application that gives every log its status and loads the verdicts into MySQL.

**When**: `bootstrap` starts it for ever (`trigger` realtime or interval). A run by hand is bounded unless you choose
otherwise: with `available-now` it works off every log that is there and ends. A second driver is never started beside a
living one: then `stream` is skipped, and the log of `no_driver_lives` says so.

**What is normal**: one run, always running, its task `stream` on its first try; few lines in its log.

**When it is red or on a later try**: the last lines of the task's log say which query failed and why. It is tried again
for ever, with a growing pause of at most a minute; it goes on where it stopped. To stop it, mark the run as failed.
"""

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import BaseHook, Param, dag, task

from include.names import DRIVER, LEASE_TABLE, LOGS_DATABASE
from include.settings import ROOT, Settings
from include.spark_conf import submit_conf
from plugins.house import RETRIES, RETRY_FOR_EVER

settings = Settings()


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
    @task.short_circuit
    def no_driver_lives() -> bool:
        """Whether the driver's lease is free; when it is held, its holder judges the logs and nothing is to do."""
        from datetime import UTC, datetime

        from include.health import lease_is_free

        hook: DbApiHook = BaseHook.get_hook("mysql")
        row = hook.get_first(
            f"SELECT holder, heartbeat_at FROM {LOGS_DATABASE}.{LEASE_TABLE} WHERE name = %s",  # noqa: S608
            parameters=(DRIVER,),
        )
        if row is None or lease_is_free(row[1].replace(tzinfo=UTC), datetime.now(UTC)):
            return True
        print(f"The driver {row[0]} lives (heartbeat {row[1]} UTC) and judges the logs: nothing to do here.")  # noqa: T201
        return False

    stream = SparkSubmitOperator(
        task_id="stream",
        conn_id="spark",
        name="logsieve",
        application=str(ROOT / "jobs" / "stream_logs.py"),
        application_args=["--trigger", "{{ params.trigger }}"],
        conf=submit_conf(settings),
        **RETRY_FOR_EVER,
    )
    no_driver_lives() >> stream


classify_logs()
