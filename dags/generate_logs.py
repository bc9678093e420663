"""Writes generated logs to the topic server-logs, in place of a source system, for trials and demos.

**When**: `bootstrap` starts one endless run. A manual run lasts `seconds` (60 by default; empty: until you mark the run
as failed). Several may run at once.

**What is normal**: running, on its first try; a line per minute in its log with the logs sent and the actual rate.

**When it is on a later try**: it crashed or Kafka refused, see its log. It is retried indefinitely, with a pause of at
most five seconds.
"""

import signal
from threading import Event
from time import monotonic
from typing import Any

from airflow.sdk import Param, dag, task

from include.settings import Settings
from plugins import assets
from plugins.house import RETRY_INDEFINITELY, SHARE_BAD, SHARE_SUSPICIOUS
from plugins.outside import Connections

REPORT_SECONDS = 60

settings = Settings()
outside = Connections()


@dag(
    schedule=None,
    max_active_runs=4,
    tags=["logsieve"],
    default_args=RETRY_INDEFINITELY,
    params={
        "rate": Param(settings.rate, type="number", exclusiveMinimum=0, maximum=1_000_000, description="logs a second"),
        "seconds": Param(60, type=["number", "null"], exclusiveMinimum=0, description="empty: until stopped"),
        "share_bad": SHARE_BAD,
        "share_suspicious": SHARE_SUSPICIOUS,
        "late_days": Param(
            settings.late_days, type="integer", minimum=0, maximum=365, description="event times from the last N days"
        ),
    },
    doc_md=__doc__,
)
def generate_logs() -> None:
    @task(outlets=[assets.LOGS], pre_execute=assets.declare_only)
    def generate(**context: Any) -> dict[str, int]:
        """Sends logs at the given rate; returns the number sent by status."""
        from include.source.generator import run

        params, reported_at = context["params"], monotonic()

        def report(sent: int, rate: float) -> None:
            nonlocal reported_at
            if monotonic() - reported_at >= REPORT_SECONDS:
                reported_at = monotonic()
                print(f"{sent:,} logs sent, {rate:,.1f} a second")  # noqa: T201  Airflow keeps it as the task's log

        stop = Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        totals = run(
            Settings(),
            outside.kafka,
            rate=params["rate"],
            seconds=params["seconds"],
            share_bad=params["share_bad"],
            share_suspicious=params["share_suspicious"],
            late_days=params["late_days"],
            on_progress=report,
            stop=stop,
        )
        if stop.is_set():
            raise InterruptedError("stopped by a signal before its end")
        return totals

    generate()


generate_logs()
