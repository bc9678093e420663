"""Facts on the stream, read from Airflow's metadata as the API server's own pages do."""

from dataclasses import replace
from typing import Any

from airflow.api.common.airflow_health import get_airflow_health
from airflow.configuration import conf
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.errors import ParseImportError
from airflow.models.pool import Pool as AirflowPool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import func, select

from include.driver.stream_verdict import Airflow, Pool, StreamRun, at_work, is_endless, last_endless
from include.names import CLASSIFY_DAG

TASK = "stream"
ACTIVE = (DagRunState.QUEUED, DagRunState.RUNNING)
_AT_WORK = (TaskInstanceState.QUEUED, TaskInstanceState.RUNNING)
_LOOK_BACK = 25


def read() -> Airflow:
    """The facts for the verdict on the stream. Raises SQLAlchemyError."""
    scheduled = get_airflow_health()["scheduler"]["status"] == "healthy"
    with create_session() as session:
        dag = session.get(DagModel, CLASSIFY_DAG)
        errors = select(ParseImportError.stacktrace).where(ParseImportError.filename.endswith(f"{CLASSIFY_DAG}.py"))
        trace = session.scalar(errors.limit(1))
        error = trace.strip().splitlines()[-1] if trace else ""
        if dag is None:
            return Airflow(known=False, import_error=error, scheduled=scheduled)
        # Runs are started manually, so the newest ones are enough.
        runs = session.scalars(
            select(DagRun).where(DagRun.dag_id == CLASSIFY_DAG).order_by(DagRun.id.desc()).limit(_LOOK_BACK)
        )
        found = [_run(run) for run in runs]
        active = at_work([run for run in found if run.state in ACTIVE])
        task = active and session.scalar(
            select(TaskInstance)
            .where(TaskInstance.dag_id == CLASSIFY_DAG, TaskInstance.run_id == active.run_id)
            .limit(1)
        )
        working = select(func.count()).select_from(TaskInstance).where(TaskInstance.state.in_(_AT_WORK))
        return Airflow(
            paused=bool(dag.is_paused),
            stale=bool(dag.is_stale),
            import_error=error,
            scheduled=scheduled,
            active=_with_task(active, task) if active and task else active,
            ended=last_endless([run for run in found if run.state not in ACTIVE]),
            pool=_pool(session, task) if task else None,
            all_slots_taken=(session.scalar(working) or 0) >= conf.getint("core", "parallelism"),
        )


def _run(run: Any) -> StreamRun:
    by_test = run.triggered_by == DagRunTriggeredByType.TEST
    return StreamRun(run.run_id, str(run.state), is_endless(run.conf), run.start_date or run.queued_at, by_test=by_test)


def _with_task(run: StreamRun, task: Any) -> StreamRun:
    state = task.state and str(task.state)
    begun = {"running": task.start_date, "up_for_retry": task.end_date}.get(state or "", task.scheduled_dttm)
    return replace(run, task=state, task_since=begun)


def _pool(session: Any, task: Any) -> Pool:
    pool = session.scalar(select(AirflowPool).where(AirflowPool.pool == task.pool))
    if pool is None:
        return Pool(task.pool, 0, 0)
    return Pool(pool.pool, pool.slots, pool.occupied_slots(session=session))
