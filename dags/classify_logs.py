"""The stream: submits the Spark application that gives every log its status and loads the verdicts into MySQL.

**When**: `bootstrap` starts it for ever (`trigger` realtime or interval). A run by hand is bounded unless you choose
otherwise: with `available-now` it works off every log that is there and ends. A second driver is never started beside a
living one: then `stream` is skipped, and its log says why. Before `bootstrap` made what it needs, it waits.

**What is normal**: one run, always running, its task `stream` on its first try; few lines in its log.

**After a crash** the same task starts the next driver, within seconds: its log has a warning for each. It goes on where
the last one stopped.

**When it is red or on a later try**: drivers ended within a minute, one after another, or the last one gave its reason:
the last lines of the task's log say which query failed and why. It is tried again for ever, with a pause of at most
five seconds.

**To stop it**: `./logsieve stream stop`, or mark the task or the run as failed or successful; either way the driver
ends between two batches, within seconds.
"""

from airflow.sdk import Param, dag

from include.driver.submit import submit_conf
from include.settings import ROOT, Settings
from plugins.house import RETRIES, RETRY_INDEFINITELY
from plugins.stream import OWNER, StreamOperator, skip_if_another_lives

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
    StreamOperator(
        task_id="stream",
        conn_id="spark",
        name="logsieve",
        application=str(ROOT / "jobs" / "stream_logs.py"),
        application_args=["--trigger", "{{ params.trigger }}", "--owner", OWNER],
        conf=submit_conf(settings),
        pre_execute=skip_if_another_lives,
        **RETRY_INDEFINITELY,
    )


classify_logs()
