"""Foreign messages: messages of the status topic that are not verdicts and that `load` set aside.

See jobs/loading/foreign.py. Works with any DB-API cursor and only reads.
"""

from typing import Any, Final

from include.names import FOREIGN_TABLE, LOGS_DATABASE

_TABLE: Final = f"{LOGS_DATABASE}.{FOREIGN_TABLE}"


def count(cursor: Any, minutes: int | None = None) -> int:
    """Returns how many there are, or how many were set aside within the last `minutes`."""
    within = "" if minutes is None else f" WHERE found_at > UTC_TIMESTAMP() - INTERVAL {minutes} MINUTE"
    cursor.execute(f"SELECT COUNT(*) FROM {_TABLE}{within}")
    return int(cursor.fetchone()[0])


def offsets(cursor: Any) -> dict[int, set[int]]:
    """Returns their offsets by status partition."""
    cursor.execute(f"SELECT kafka_partition, status_offset FROM {_TABLE}")
    found: dict[int, set[int]] = {}
    for partition, offset in cursor.fetchall():
        found.setdefault(partition, set()).add(offset)
    return found
