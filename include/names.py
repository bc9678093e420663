"""Names that several parts of Logsieve share, defined once: topics, tables, statuses."""

import re
from datetime import date
from typing import Final

LOGS_TOPIC: Final = "server-logs"
STATUS_TOPIC: Final = "server-logs-status"
INDEX: Final = "server-logs"
"""The alias of the indices that hold the documents: one for each day, and the odd one."""
ODD_INDEX: Final = f"{INDEX}-odd"
"""The index of documents whose day is far off, or unknown."""
DAY_INDICES: Final = f"{INDEX}-????.??.??"
"""Pattern of the names that `day_index` makes."""

LOGS_DATABASE: Final = "logs"
USERS_DATABASE: Final = "dim_users"
USERS_TABLE: Final = "users"
HISTORY_TABLE: Final = "users_history"
VERSION_TABLE: Final = "users_version"
CHANGES_TABLE: Final = "changes"
LOADS_TABLE: Final = "loads"
PROGRESS_TABLE: Final = "load_progress"
COUNTED_TABLE: Final = "counted"
LEASE_TABLE: Final = "driver_lease"
TOPIC_IDS_TABLE: Final = "topic_ids"
RECONCILED_TABLE: Final = "reconciled"
ARRIVED_TABLE: Final = "arrived"
EXPIRED_TABLE: Final = "expired"
FOREIGN_TABLE: Final = "foreign_messages"
BEGUN_TABLE: Final = "begun"
CONTRACTS_TABLE: Final = "contracts"
CORRECTED_TABLE: Final = "corrected"

GOOD: Final = "good"
BAD: Final = "bad"
SUSPICIOUS: Final = "suspicious"
STATUSES: Final = (GOOD, BAD, SUSPICIOUS)
TABLES: Final = {status: f"{status}_logs" for status in STATUSES}

USERS_ASSET: Final = "users_history"
"""The asset that gets an event when look-ups have changed: earlier verdicts must then be rejudged."""
INDEX_ASSET: Final = f"{INDEX}-index"
"""The assets of the topics and of the tables are named as these are; the index has the name of a topic."""

DOCUMENT_PARTITION: Final = "origin.kafka_partition"
DOCUMENT_OFFSET: Final = "origin.kafka_offset"
"""A document's origin: the field names in Elasticsearch."""

LAST_SECOND: Final = 253_402_300_799
"""9999-12-31 23:59:59 UTC, in seconds since 1970."""
LAST_MILLISECOND: Final = 1000 * LAST_SECOND + 999
MAX_RAW: Final = 64 * 1024
"""Most bytes of a bad log that its verdict keeps."""

CLASSIFY_DAG: Final = "classify_logs"
"""Keeps the stream running in its task `stream`."""
GENERATE_DAG: Final = "generate_logs"
RECONCILE_DAG: Final = "reconcile_logs"
ANNOUNCE_DAG: Final = "announce_rows"
REJUDGE_DAG: Final = "rejudge_logs"
USERS_DAG: Final = "users_dimension"

INDEXER_GROUP: Final = "logsieve-indexer"
"""The indexer's consumer group: its committed offsets show how far the index has come."""
DRIVER: Final = "stream_logs"
"""The streaming application: its name in Spark and the name of its lease."""
REJUDGE: Final = "rejudge_logs"
"""The application that rejudges logs."""

JUDGED: Final = "judged"
"""The Kafka header of a verdict that the stream gave."""
REJUDGED: Final = "rejudged"
"""The Kafka header of a verdict that corrects an earlier one; its value names the run, which begins with a cause."""
REJUDGEMENT: Final = "rejudgement"
REPLAY: Final = "replay"
REPAIR: Final = "repair"
BY_STREAM: Final = "stream"
CAUSES: Final = (REJUDGEMENT, REPLAY, REPAIR, BY_STREAM)
"""Why `load` replaces a row: see docs/assets.md."""

_KEY: Final = re.compile(rb"(0|[1-9]\d{0,9})-(0|[1-9]\d{0,18})")


def day_index(day: date) -> str:
    """Returns the name of the index for logs received on this day, by UTC."""
    return f"{INDEX}-{day.isoformat().replace('-', '.')}"


def origin_key(partition: int, offset: int) -> str:
    """Returns a log's identity as text: the key of its status message and the _id of its document."""
    return f"{partition}-{offset}"


def origin_of(key: bytes | None) -> tuple[int, int] | None:
    """Parses an `origin_key` into partition and offset; None if it is not one that Kafka can give."""
    match = _KEY.fullmatch(key or b"")
    if match is None:
        return None
    partition, offset = int(match[1]), int(match[2])
    return (partition, offset) if is_origin(partition, offset) else None


def is_origin(partition: int, offset: int) -> bool:
    """Whether Kafka can give them: it counts partitions in 32 bits and offsets in 64, both signed."""
    return 0 <= partition < 2**31 and 0 <= offset < 2**63
