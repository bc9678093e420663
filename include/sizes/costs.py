"""What a log and an account cost, as measured: the only figures that needs.py computes with.

All were measured with generated logs (5 % bad, 5 % suspicious) on one machine with two processors that ran every
server. docs/performance.md describes how; whoever measures again changes the figure here, and a test says what
follows in docs/sizes.md.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Cost:
    """A figure, its unit, and the command and day by which it was measured."""

    figure: float
    unit: str
    what: str
    measured_by: str
    on: str


_BENCH: Final = "`./logsieve bench --logs 3000000 --rounds 2`"
_THREADS: Final = "threads in `/proc` during `./logsieve bench --logs 3000000 --only realtime`"
_PERF: Final = "`perf` during the same"
_FILES: Final = "files of 7,659 logs at 50 logs/s"
_BULK: Final = "files of 1,572,000 logs at 12,800 logs/s"

CLASSIFY: Final = Cost(5.5, "µs", "`classify`: tasks, producer, JVM", _THREADS, "2026-11-27")
LOAD: Final = Cost(5.2, "µs", "`load`, in Python", _THREADS, "2026-11-27")
KAFKA: Final = Cost(2.5, "µs", "Kafka, both topics", _THREADS, "2026-11-27")
MYSQL: Final = Cost(9.9, "µs", "MySQL 8.0.15: row, key and index (9.7.4: 7.0)", _THREADS, "2026-11-27")
REDO: Final = Cost(1.8, "µs", "of these, its redo log", _PERF, "2026-11-27")
ELASTICSEARCH: Final = Cost(46.1, "µs", "Elasticsearch", _BENCH, "2026-11-27")
INDEXER: Final = Cost(5.7, "µs", "the indexer, in Python", _BENCH, "2026-11-27")

LOG_BYTES: Final = Cost(239, "bytes", "a log in `server-logs`", _FILES, "2026-11-28")
VERDICT_BYTES: Final = Cost(304, "bytes", "its verdict in `server-logs-status`", _FILES, "2026-11-28")
ROW_BYTES: Final = Cost(203, "bytes", "its row, with indexes", _BULK, "2026-11-28")
DOCUMENT_BYTES: Final = Cost(201, "bytes", "its document", _BULK, "2026-11-28")

PARTITION: Final = Cost(56_900, "logs/s", "of one partition, of two", _BENCH, "2026-11-27")
SHARD: Final = Cost(34_700, "documents/s", "into one shard", _BENCH, "2026-11-27")
LOADER_MIB: Final = Cost(150, "MiB", "Python of a partition on an executor", "[cluster](cluster.md)", "2026-11-30")
ACCOUNT_BYTES: Final = Cost(1_073, "bytes", "heap of an account", "[trials](running.md#many-accounts)", "2026-11-24")

COSTS: Final = (
    CLASSIFY, LOAD, KAFKA, MYSQL, REDO, ELASTICSEARCH, INDEXER,
    LOG_BYTES, VERDICT_BYTES, ROW_BYTES, DOCUMENT_BYTES,
    PARTITION, SHARD, LOADER_MIB, ACCOUNT_BYTES,
)  # fmt: skip
