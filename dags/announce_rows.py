"""Emits events of the assets `good_logs`, `bad_logs` and `suspicious_logs`: which rows are new or corrected.

**When**: every five minutes (`LOGSIEVE_ANNOUNCE_MINUTES`; with 0 only when triggered). DAGs that are scheduled on such
an asset run after each event; docs/assets.md has what an event says, and examples/hourly_counts such a DAG.

**What is normal**: green within seconds. `announce` is skipped if no logs were loaded since the last event, and
`announce_corrections` if no rows were replaced, as rejudgements, replays and repairs do. A range is announced once,
whatever is killed: Airflow stores a task's success and its events in one transaction, and the last event has the
position from which the next one continues.

**When it is red**: MySQL did not answer. Nothing is lost: the next run announces everything since the last event.
"""

from contextlib import closing
from datetime import timedelta
from typing import Any

from airflow.sdk import TriggerRule, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from include.settings import Settings
from plugins import assets
from plugins.house import SCHEDULED
from plugins.outside import Connections

MINUTES = Settings().announce_minutes

outside = Connections()


@dag(schedule=timedelta(minutes=MINUTES) if MINUTES else None, **SCHEDULED, doc_md=__doc__)
def announce_rows() -> None:
    @task(outlets=assets.OF_TABLES, pre_execute=assets.skip_beside_another)
    def announce(ti: Any = None, outlet_events: Any = None) -> None:
        """Emits an event for each table with the logs that were loaded since the last one."""
        from include.announcing import tables

        announced = assets.last_position(ti, assets.OF_TABLES[0])
        with closing(outside.mysql()) as connection, tables.snapshot(connection) as cursor:
            found = tables.rows(cursor, announced)
        if found is None:
            raise AirflowSkipException("No logs were loaded since the last event.")
        for table, extra in found.items():
            print(f"{table}: {extra['ranges']}")  # noqa: T201  Airflow keeps it as the log
            outlet_events[assets.TABLES_BY_NAME[table]].extra = extra

    # After the other: of two events at the same moment, Airflow's scheduler could miss one.
    @task(
        outlets=assets.OF_TABLES,
        pre_execute=assets.skip_beside_another,
        trigger_rule=TriggerRule.NONE_FAILED,
    )
    def announce_corrections(ti: Any = None, outlet_events: Any = None) -> None:
        """Emits an event for each table with the ranges in which rows were replaced since the last one."""
        from include.announcing import tables

        announced = assets.last_position(ti, assets.OF_TABLES[0])
        with closing(outside.mysql()) as connection, tables.snapshot(connection) as cursor:
            found = tables.corrections(cursor, announced)
        if found is None:
            raise AirflowSkipException("No rows were replaced since the last event.")
        print(found["ranges"])  # noqa: T201  Airflow keeps it as the log
        for asset in assets.OF_TABLES:
            outlet_events[asset].extra = found

    announce() >> announce_corrections()


announce_rows()
