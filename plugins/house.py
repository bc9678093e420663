"""Settings shared by our DAGs: retries, skipping of running DAGs, and common params."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Context, Param
from airflow.sdk.exceptions import AirflowSkipException

from include.settings import Settings
from plugins.alert import Alert

RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(seconds=30),
}
"""For bounded tasks: survives a server restart, and a real fault is red within a minute."""

UNATTENDED: dict[str, Any] = {**RETRIES, "on_failure_callback": Alert()}
"""For scheduled tasks: a failure sends an alert."""

SCHEDULED: dict[str, Any] = {
    "start_date": datetime(2020, 1, 1, tzinfo=UTC),
    "catchup": False,
    "max_active_runs": 1,
    "tags": ["logsieve"],
    "default_args": UNATTENDED,
}
"""Arguments of every DAG with a schedule, beside the schedule itself."""

RETRY_INDEFINITELY: dict[str, Any] = {
    "retries": 1_000_000,
    "retry_delay": timedelta(seconds=1),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(seconds=5),
}
"""For endless tasks: retried after every crash; the pause is capped, as Airflow would let it grow without bound."""


def skip_if_running(dag_id: str) -> Callable[[Context], None]:
    """For `pre_execute`: skips the task while a run of the DAG is active, so that it is not started twice."""

    def skip(context: Context) -> None:
        if context["ti"].get_dr_count(dag_id=dag_id, states=["queued", "running"]):
            raise AirflowSkipException(f"A run of {dag_id} is active: it is not started twice.")

    return skip


def skip_without_generator(context: Context) -> None:
    """For `pre_execute`: skips the task if no logs are to be generated, so that nothing waits for any."""
    if not context["params"]["rate"]:
        raise AirflowSkipException("The rate is 0: no logs are generated, and none are waited for.")


_settings = Settings()

SHARE_BAD = Param(_settings.share_bad, type="number", minimum=0, maximum=1, description="share of bad logs, 0 to 1")
SHARE_SUSPICIOUS = Param(
    _settings.share_suspicious, type="number", minimum=0, maximum=1, description="share of suspicious logs, 0 to 1"
)
