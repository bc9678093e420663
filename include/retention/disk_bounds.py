"""How much disk the logs may take over all hops, and what each hop gets of it: the only place that divides it.

Each hop is bounded by its own bytes, so that no kind of log breaks the bound: Kafka removes the oldest segments of a
topic, and expire_logs the oldest slices of the tables with their documents. Both topics keep more logs than the tables:
what has a row has its verdict too, for proofs and repairs.
"""

from dataclasses import dataclass
from typing import Final

GIB: Final = 2**30
EMBEDDED_GIB: Final = 20
"""What the embedded stack and the containers get when nothing is said: about two days of logs at the default rate."""

_SHARES: Final = {"server-logs": 0.24, "server-logs-status": 0.33, "tables": 0.19, "index": 0.24}
_SEGMENTS: Final = 8
"""A topic's partition has so many segments: it goes beyond its bound by the newest, which is never removed."""
_LEAST_SEGMENT: Final = 2**20
_MOST_SEGMENT: Final = 256 * 2**20
_MERGED: Final = 0.7
"""Of the index's share what living documents may take: the rest is deleted ones, and new segments beside old ones."""


@dataclass(frozen=True)
class Bounds:
    """Bytes of each hop."""

    logs_topic: int
    status_topic: int
    tables: int
    documents: int
    """Of the living ones, in Elasticsearch."""


def divide(disk_gib: float | None) -> Bounds | None:
    """What each hop may take; None where there is no bound (None or 0)."""
    if not disk_gib:
        return None
    shares = {name: int(share * disk_gib * GIB) for name, share in _SHARES.items()}
    index = int(shares["index"] * _MERGED)
    return Bounds(shares["server-logs"], shares["server-logs-status"], shares["tables"], index)


def topic_settings(size: int, partitions: int) -> dict[str, str]:
    """Kafka's settings of a topic that is to stay within `size` bytes, all its partitions together."""
    each = size // partitions
    segment = min(max(each // (_SEGMENTS + 1), _LEAST_SEGMENT), _MOST_SEGMENT)
    return {"retention.bytes": str(max(each - segment, segment)), "segment.bytes": str(segment)}
