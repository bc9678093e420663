"""Messages of the status topic that are nobody's verdict, as `load` has set them aside (jobs/loading/foreign.py).

Through any DB-API cursor. Everything here only reads.
"""

from typing import Any, Final

from include.names import FOREIGN_TABLE, LOGS_DATABASE

_TABLE: Final = f"{LOGS_DATABASE}.{FOREIGN_TABLE}"


def count(cursor: Any, minutes: int | None = None) -> int:
    """How many there are, or were set aside in the last minutes."""
    within = "" if minutes is None else f" WHERE found_at > UTC_TIMESTAMP() - INTERVAL {minutes} MINUTE"
    cursor.execute(f"SELECT COUNT(*) FROM {_TABLE}{within}")  # noqa: S608
    return int(cursor.fetchone()[0])


def offsets(cursor: Any) -> dict[int, set[int]]:
    """Their offsets by status partition."""
    cursor.execute(f"SELECT kafka_partition, status_offset FROM {_TABLE}")  # noqa: S608
    found: dict[int, set[int]] = {}
    for partition, offset in cursor.fetchall():
        found.setdefault(partition, set()).add(offset)
    return found
