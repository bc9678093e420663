"""Checks every few minutes that logs flow and verdicts are as usual.

**When**: every five minutes. A red run is an alert; the next green run ends it.

**When a task is red**
- `…_is_filling`: no verdict younger than a minute arrived there. Are logs sent (`generate_logs`, or your own source)?
  Does the stream run (`classify_logs`)?
- `stream`: no driver judges the logs, or a failed driver would not be restarted (its DAG is paused, its run was
  marked). The error has the cause and the remedy, usually `./logsieve stream start`.
- `lag`: more logs or verdicts wait for `classify`, `load` or the indexer than the limit: that hop is stopped or too
  slow, or its server is down; see `./logsieve status`. Also red if a server has refused a hop's requests for a minute;
  then the error has the remedy. Also red if Kafka has removed verdicts before they were indexed; then the error lists
  them and how to continue.
- `disk`: the state's disk is nearly full. Kafka and MySQL crash when it is full: free space before that.
- `foreign`: another program wrote to `server-logs-status`. The logs are not affected: such messages are set aside in
  `logs.foreign_messages` with the reason. Find their sender; the task is green an hour after the last one.
- `documents`: Elasticsearch refused documents; they are in the indexer's dead-letter file with the reason.
- `breaker`: too many recent logs are bad, in total or in a row; the error has the reasons with an example of each. Did
  a sender or a rule change? Nothing is lost. The stream keeps running unless `breaker_stops` is set: then it was
  stopped, and `./logsieve stream start` restarts it.

**Alerts**: every red task logs an error; the first failure of each hour also goes to Slack and by e-mail if the
connections `alerts_slack` and `alerts_email` exist.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from include.settings import Settings
from include.watch.health import LAG_LIMIT
from plugins import watching
from plugins.filling import filling_sensors
from plugins.house import SCHEDULED, SHARE_BAD, SHARE_SUSPICIOUS

settings = Settings()


@dag(
    schedule="*/5 * * * *",
    **SCHEDULED,
    params={
        "share_bad": SHARE_BAD,
        "share_suspicious": SHARE_SUSPICIOUS,
        "lag_limit": Param(LAG_LIMIT, type="integer", minimum=0, description="logs that may wait at a hop"),
        "free_gib": Param(
            settings.free_gib, type="number", minimum=0, maximum=1_000_000, description="GiB that must be free"
        ),
        "breaker_share": Param(
            settings.breaker_share, type="number", minimum=0, maximum=1, description="maximum share of bad logs"
        ),
        "breaker_window_minutes": Param(
            settings.breaker_window_minutes,
            type="integer",
            minimum=1,
            maximum=1440,
            description="period of the share, in minutes",
        ),
        "breaker_in_a_row": Param(
            settings.breaker_in_a_row,
            type="integer",
            minimum=1,
            maximum=1_000_000,
            description="bad logs in a row that trip the breaker",
        ),
        "breaker_stops": Param(settings.breaker_stops, type="boolean", description="stop the stream when tripped"),
    },
    doc_md=__doc__,
)
def watch_logs() -> None:
    @task(retries=6)
    def stream(ti: Any = None) -> str:
        return watching.stream(ti)

    @task
    def lag(lag_limit: str) -> list[str]:
        return watching.lag(int(lag_limit))

    @task
    def breaker(params: Any = None) -> list[str]:
        return watching.breaker(params)

    @task
    def disk(free_gib: str) -> list[str]:
        return watching.disk(float(free_gib))

    @task
    def documents() -> list[str]:
        return watching.documents()

    @task
    def foreign() -> list[str]:
        return watching.foreign()

    stream()
    filling_sensors(timeout=timedelta(minutes=3))
    lag("{{ params.lag_limit }}")
    breaker()
    disk("{{ params.free_gib }}")
    documents()
    foreign()


watch_logs()
