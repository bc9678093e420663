"""Access of DAGs to the slices of the three tables."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from airflow.sdk import BaseHook

from include.names import LOGS_TOPIC


@contextmanager
def alone() -> Iterator[Any]:
    """A cursor that may alter the tables while no other run creates or drops slices. Raises slices.BusyError."""
    from include.retention import slices

    with (
        closing(BaseHook.get_hook("mysql").get_conn()) as connection,
        closing(connection.cursor()) as cursor,
        slices.locked(cursor),
    ):
        yield cursor


def make_slices(retention_days: int, disk_gib: float | None) -> None:
    """Creates slices for all partitions of server-logs; see `include.retention.slices.make`."""
    from include.retention import slices
    from include.retention.disk_bounds import divide
    from include.topics import hops

    kafka = BaseHook.get_connection("kafka").extra_dejson
    with hops.looking(kafka, kafka["group.id"]) as consumer:
        partitions = len(hops.topic_ranges(consumer, LOGS_TOPIC))
    bounds = divide(disk_gib)
    with alone() as cursor:
        slices.make(cursor, partitions, retention_days, bounds.tables if bounds else None)
