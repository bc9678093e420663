"""Facts on the stream's runs available inside a task: only Airflow's task interface, no metadata and no login."""

from datetime import datetime
from typing import Any, Final

from airflow.sdk.exceptions import AirflowRuntimeError

from include.driver.stream_verdict import START, Airflow, StreamRun
from include.names import CLASSIFY_DAG

_ENDED: Final = {"success", "failed", "skipped", "upstream_failed", "removed"}


def of_task(ti: Any, now: datetime) -> Airflow:
    """Airflow's view of the stream. `ti`: the calling task instance.

    The age of an active run is unknown and assumed to be long, since the caller retries. Pool slots and the scheduler
    are assumed to be available, since otherwise the caller would not run.
    """
    try:
        paused = ti.get_dag(CLASSIFY_DAG).is_paused
    except AirflowRuntimeError:
        return Airflow(known=False)
    active = ended = None
    if ti.get_dr_count(CLASSIFY_DAG, states=["queued", "running"]):
        tasks = ti.get_task_states(CLASSIFY_DAG)
        at_work = [(run_id, task) for run_id, task in tasks.items() if task.get("stream") not in _ENDED]
        run_id, task = at_work[-1] if at_work else ("", {})
        active = StreamRun(run_id, "running", since=now - START, task=task.get("stream"))
    elif ti.get_dr_count(CLASSIFY_DAG):
        ended = StreamRun("", "success or failed")
    return Airflow(paused=paused, active=active, ended=ended)
