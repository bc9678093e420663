"""Divides the disk space for logs among the hops. This is the only place that does so.

Each hop is limited by its own bytes, so no kind of log can exceed the limit: Kafka removes the oldest segments of a
topic, and expire_logs removes the oldest slices of the tables with their documents. Both topics keep more logs than the
tables, so that every row still has its log and its verdict for proofs and repairs.
"""

from dataclasses import dataclass
from typing import Final

GIB: Final = 2**30
EMBEDDED_GIB: Final = 20
"""Default of the embedded stack and of containers: about two days of logs at the default rate."""

_SHARES: Final = {"server-logs": 0.24, "server-logs-status": 0.33, "tables": 0.19, "index": 0.24}
_SEGMENTS: Final = 8
"""Segments per partition of a topic. Kafka never removes the newest one, so the limit leaves room for it."""
_LEAST_SEGMENT: Final = 2**20
_MOST_SEGMENT: Final = 256 * 2**20
_MERGED: Final = 0.7
"""Part of the index's share for live documents; deleted ones and merges of segments take the rest."""


@dataclass(frozen=True)
class Bounds:
    """Limit of each hop, in bytes."""

    logs_topic: int
    status_topic: int
    tables: int
    documents: int
    """Live documents in Elasticsearch."""


def divide(disk_gib: float | None) -> Bounds | None:
    """Returns the limit of each hop; None if `disk_gib` is None or 0 (no limit)."""
    if not disk_gib:
        return None
    shares = {name: int(share * disk_gib * GIB) for name, share in _SHARES.items()}
    index = int(shares["index"] * _MERGED)
    return Bounds(shares["server-logs"], shares["server-logs-status"], shares["tables"], index)


def topic_settings(size: int, partitions: int) -> dict[str, str]:
    """Returns the Kafka settings that keep a topic within `size` bytes over all its partitions."""
    each = size // partitions
    segment = min(max(each // (_SEGMENTS + 1), _LEAST_SEGMENT), _MOST_SEGMENT)
    return {"retention.bytes": str(max(each - segment, segment)), "segment.bytes": str(segment)}
