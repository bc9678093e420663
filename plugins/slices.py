"""Access of DAGs to the slices of the three tables."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from include.names import DRIVER, LOGS_TOPIC
from plugins.outside import Connections


@contextmanager
def alone(outside: Connections) -> Iterator[Any]:
    """A cursor that may alter the tables while no other run creates or drops slices. Raises slices.BusyError."""
    from include.retention import slices

    with (
        closing(outside.mysql()) as connection,
        closing(connection.cursor()) as cursor,
        slices.locked(cursor),
    ):
        yield cursor


def make_slices(outside: Connections, retention_days: int, disk_gib: float | None) -> None:
    """Creates slices for all partitions of server-logs; see `include.retention.slices.make`."""
    from include.retention import slices
    from include.retention.disk_bounds import divide
    from include.topics import hops

    with outside.looking(DRIVER) as consumer:
        partitions = len(hops.topic_ranges(consumer, LOGS_TOPIC))
    bounds = divide(disk_gib)
    with alone(outside) as cursor:
        slices.make(cursor, partitions, retention_days, bounds.tables if bounds else None)
