"""What Airflow has in its metadata of old runs, and its removal. `airflow db clean` would take runs that still go on.

It takes by age alone, and of the DAGs that are started by hand the newest run too: the stream's, and the one by which
`up` knows that `bootstrap` went well. So runs are removed here; their tasks, values and histories go with them.
"""

from collections.abc import Sequence
from typing import Any, Final

TABLES: Final = (
    "log", "job", "import_error", "asset_event", "callback", "revoked_token", "trigger", "connection_test_request",
)  # fmt: skip
"""What `airflow db clean` removes rightly: it belongs to no run, or has ended."""

_EXPIRE: Final = (
    "DELETE FROM dag_run WHERE state IN ('success', 'failed')"
    " AND COALESCE(end_date, updated_at) < now() - %s * INTERVAL '1 day'"
    " AND id NOT IN (SELECT max(id) FROM dag_run GROUP BY dag_id, run_type)"
)
_EXPIRE_TRIES: Final = "DELETE FROM task_instance_history WHERE end_date < now() - %s * INTERVAL '1 day'"
_KEPT: Final = "SELECT dag_id, run_id FROM dag_run"


def expire(cursor: Any, days: float) -> int:
    """Removes the runs that ended so many days ago, but the newest of each DAG and kind, and old tries of the others;
    gives how many runs. `cursor`: psycopg2's. Raises psycopg2.Error."""
    cursor.execute(_EXPIRE, (days,))
    count = int(cursor.rowcount)
    cursor.execute(_EXPIRE_TRIES, (days,))
    return count


def kept(cursor: Any) -> Sequence[tuple[str, str]]:
    """DAG and run of those that are there. Raises psycopg2.Error."""
    cursor.execute(_KEPT)
    found: Sequence[tuple[str, str]] = cursor.fetchall()
    return found
