"""The newest runs of our DAGs, read from Airflow's metadata as the API server's own pages do."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.models.backfill import BackfillDagRun
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import func, select

from include.page.way import Run
from plugins.page.stream_facts import ACTIVE


def newest(dag_ids: Iterable[str]) -> dict[str, Run]:
    """By DAG: its newest active run, else its newest run; DAGs without runs are omitted. Raises SQLAlchemyError."""
    found = {}
    # A run of `airflow dags test` is due tomorrow, so that the scheduler leaves it.
    at = func.coalesce(DagRun.start_date, DagRun.run_after).label("at")
    with create_session() as session:
        for dag_id in dag_ids:
            query = select(DagRun.run_id, DagRun.state, at).where(DagRun.dag_id == dag_id)
            row = session.execute(query.order_by(DagRun.state.in_(ACTIVE).desc(), DagRun.id.desc()).limit(1)).first()
            if row:
                found[dag_id] = Run(dag_id, row.run_id, str(row.state), row.at, base())
    return found


def of_backfill(backfill_id: int) -> list[str]:
    """Ids of the backfill's runs, in its order; a day already being loaded by another run has none."""
    days = select(DagRun.run_id).join(BackfillDagRun, BackfillDagRun.dag_run_id == DagRun.id)
    with create_session() as session:
        found = days.where(BackfillDagRun.backfill_id == backfill_id).order_by(BackfillDagRun.sort_ordinal)
        return list(session.scalars(found))


def base() -> str:
    """Path of Airflow's base URL without the trailing slash, the prefix of links into its UI."""
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
