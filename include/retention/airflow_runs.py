"""Removes old runs from Airflow's metadata database. `airflow db clean` would also remove runs that are still active.

It goes by age alone. It would even remove the newest run of DAGs that are triggered manually: the stream's run, and the
run that shows `up` that `bootstrap` succeeded. So runs are removed here, with their tasks, XComs and histories.
"""

from collections.abc import Sequence
from typing import Any, Final

TABLES: Final = (
    "log", "job", "import_error", "callback", "revoked_token", "trigger", "connection_test_request",
)  # fmt: skip
"""Tables that `airflow db clean` may clean: their rows belong to no run or have ended."""

_EXPIRE: Final = (
    "DELETE FROM dag_run WHERE state IN ('success', 'failed')"
    " AND COALESCE(end_date, updated_at) < now() - %s * INTERVAL '1 day'"
    " AND id NOT IN (SELECT max(id) FROM dag_run GROUP BY dag_id, run_type)"
)
_EXPIRE_TRIES: Final = "DELETE FROM task_instance_history WHERE end_date < now() - %s * INTERVAL '1 day'"
# The newest event of a task has the position from which the next one continues (plugins/assets.py).
_EXPIRE_EVENTS: Final = (
    "DELETE FROM asset_event WHERE timestamp < now() - %s * INTERVAL '1 day' AND id NOT IN"
    " (SELECT max(id) FROM asset_event GROUP BY asset_id, source_dag_id, source_task_id)"
)
_KEPT: Final = "SELECT dag_id, run_id FROM dag_run"


def expire(cursor: Any, days: float) -> int:
    """Removes runs that ended over `days` days ago, old task tries of the remaining runs, and old events of assets.

    Returns the number of runs. The newest run of each DAG and run type stays, and so does the newest event of each
    asset and task. `cursor`: psycopg2's. Raises psycopg2.Error.
    """
    cursor.execute(_EXPIRE, (days,))
    count = int(cursor.rowcount)
    cursor.execute(_EXPIRE_TRIES, (days,))
    cursor.execute(_EXPIRE_EVENTS, (days,))
    return count


def kept(cursor: Any) -> Sequence[tuple[str, str]]:
    """Returns DAG id and run id of all existing runs. Raises psycopg2.Error."""
    cursor.execute(_KEPT)
    found: Sequence[tuple[str, str]] = cursor.fetchall()
    return found
