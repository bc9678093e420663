"""The stream: submits the Spark application that gives every log its status and loads the verdicts into MySQL.

**When**: `bootstrap` starts an endless run (`trigger` realtime or interval). By default a manual run is bounded: with
`available-now` it processes the backlog and exits. A second driver never runs beside a live one: then `stream` is
skipped, and its log shows why; an endless run follows an application that lives on YARN or Kubernetes,
whichever run started it. Until `bootstrap` has created what it needs, it waits.

**What is normal**: one run, always running, its task `stream` on its first try; few lines in its log.

**After a crash** the same task starts the next driver within seconds, with a warning in its log. The new driver resumes
where the last one stopped.

**When it is red or on a later try**: several drivers in a row failed within a minute, or the last one exited with a
known error. The last lines of the task's log show which query failed and why. It is retried indefinitely, with a pause
of at most five seconds.

**To stop it**: `./logsieve stream stop`, or mark the task or the run as failed or successful. Either way the driver
stops between two batches, within seconds.
"""

from airflow.sdk import Context, Param, dag

from include.names import DRIVER
from plugins import assets
from plugins.house import RETRIES, RETRY_INDEFINITELY
from plugins.stream import OWNER, StreamOperator, look_for_a_living_driver


@dag(
    schedule=None,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=RETRIES,
    params={
        "trigger": Param(
            "available-now",
            enum=["realtime", "interval", "available-now"],
            description="available-now processes the backlog and exits; realtime and interval never end",
        )
    },
    doc_md=__doc__,
)
def classify_logs() -> None:
    def before(context: Context) -> None:
        assets.declare_only(context)
        look_for_a_living_driver(context)

    StreamOperator(
        task_id="stream",
        job=DRIVER,
        name="logsieve",
        application_args=["--trigger", "{{ params.trigger }}", "--owner", OWNER],
        inlets=[assets.LOGS, assets.USERS_HISTORY],
        outlets=[assets.STATUS, *assets.OF_TABLES],
        pre_execute=before,
        **RETRY_INDEFINITELY,
    )


classify_logs()
