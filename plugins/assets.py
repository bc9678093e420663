"""The assets of Airflow: each hop of a log is one. Only those of the tables and of the users history get events.

Airflow emits an event for every outlet of a task that has succeeded. A task that only shows in the asset graph where
logs go has `declare_only` as its `pre_execute`.
"""

from collections.abc import Iterable
from typing import Any, Final, Protocol

from airflow.sdk import Asset, Context
from airflow.sdk.exceptions import AirflowSkipException

from include.announcing.ranges import NOWHERE, Position
from include.names import INDEX_ASSET, LOGS_TOPIC, STATUS_TOPIC, TABLES, USERS_ASSET

# They have no URI but their name, so that Asset("good_logs") in anybody's DAG is the same asset.
LOGS: Final = Asset(LOGS_TOPIC)
STATUS: Final = Asset(STATUS_TOPIC)
TABLES_BY_NAME: Final = {table: Asset(table) for table in TABLES.values()}
OF_TABLES: Final = list(TABLES_BY_NAME.values())
INDEX: Final = Asset(INDEX_ASSET)
USERS_HISTORY: Final = Asset(USERS_ASSET)

_NEWEST: Final = 100


class _Event(Protocol):
    id: int
    extra: dict[str, Any] | None
    source_dag_id: str | None
    source_task_id: str | None


def declare_only(context: Context) -> None:
    """For `pre_execute`: the task's outlets are in the asset graph, but it emits no events."""
    context["ti"].task.outlets = []


def skip_beside_another(context: Context) -> None:
    """For `pre_execute`: skips the task if another run of its DAG is active, so that only one continues a position.

    `max_active_runs` does not hold for `airflow dags test`.
    """
    ti = context["ti"]
    if ti.get_dr_count(dag_id=ti.dag_id, states=["running"]) > 1:
        raise AirflowSkipException(f"Another run of {ti.dag_id} is active: it announces the rows.")


def last_position(ti: Any, asset: Asset) -> Position:
    """The position in the last event of this asset by this task, in any of its runs; NOWHERE before the first."""
    from airflow.sdk.execution_time.context import InletEventsAccessor

    most = _NEWEST
    while True:
        events = list(InletEventsAccessor(asset_name=asset.name).ascending(False).limit(most))
        found = newest(events, ti.dag_id, ti.task_id)
        if found is not None or len(events) < most:
            return NOWHERE if found is None else found
        most *= 10


def newest(events: Iterable[_Event], dag_id: str, task_id: str) -> Position | None:
    """The position in the newest event of this task. By id, since a clock may have been set back. Pure."""
    ours = [each for each in events if (each.source_dag_id, each.source_task_id) == (dag_id, task_id) and each.extra]
    last = max(ours, key=lambda event: event.id, default=None)
    return None if last is None else Position.from_extra(last.extra or {})
