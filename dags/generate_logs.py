"""Writes generated logs to the topic server-logs: the source system, for trying and showing.

**When**: `bootstrap` starts one run for ever. A run by hand lasts `seconds` (a minute unless you say otherwise; empty:
until you mark the run as failed); several may run at once.

**What is normal**: running, first try; a line a minute in its log with the logs sent and the rate reached.

**When it is on a later try**: it crashed or Kafka refused, see its log. It is tried again for ever, with a growing pause
of at most a minute.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from include.settings import Settings
from plugins.house import RETRY_FOR_EVER, SHARE_BAD, SHARE_SUSPICIOUS

settings = Settings()


@dag(
    schedule=None,
    max_active_runs=4,
    tags=["logsieve"],
    default_args=RETRY_FOR_EVER,
    params={
        "rate": Param(settings.rate, type="number", exclusiveMinimum=0, maximum=1_000_000, description="logs a second"),
        "seconds": Param(60, type=["number", "null"], exclusiveMinimum=0, description="empty: until stopped"),
        "share_bad": SHARE_BAD,
        "share_suspicious": SHARE_SUSPICIOUS,
    },
    doc_md=__doc__,
)
def generate_logs() -> None:
    @task
    def generate(params: dict[str, Any] | None = None) -> dict[str, int]:
        """Sends logs at the rate; gives how many were made of each status."""
        assert params is not None
        from include.generator import run

        return run(
            Settings(),
            rate=params["rate"],
            seconds=params["seconds"],
            share_bad=params["share_bad"],
            share_suspicious=params["share_suspicious"],
        )

    generate()


generate_logs()
