"""Reads the progress of logs from each server, cheaply: nothing here counts rows."""

from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from elasticsearch import Elasticsearch

from include.contract import reading
from include.driver import lease
from include.index import positions
from include.names import (
    CHANGES_TABLE,
    INDEX,
    LOADS_TABLE,
    LOGS_DATABASE,
    LOGS_TOPIC,
    RECONCILED_TABLE,
    STATUS_TOPIC,
    STATUSES,
    TABLES,
    USERS_DATABASE,
    VERSION_TABLE,
)
from include.topics import hops, times

SECONDS = 3
MOST_CHANGES = 100_000
"""Pending changes are counted up to this number."""

NEWEST: Final[dict[str, Any]] = {
    "size": 0,
    "aggs": {"newest": {"max": {"field": "received_at"}}},
    "track_total_hits": True,
}
"""Search for the newest time and the number of documents, both from the index; sorting would read all documents."""


def ask_kafka(consumer: Consumer, admin: AdminClient) -> dict[str, Any]:
    """logs, classified, status, indexed, removed and newest of a Sample. Raises KafkaException."""
    topics = hops.read_topics(consumer)
    gone = positions.find_gone(consumer)
    return {
        "logs": sum(topics.logs.values()),
        "classified": sum(topics.logs.values()) - topics.lag,
        "status": sum(topics.status.values()),
        "indexed": sum(hops.indexed(consumer, topics.status).values()),
        "removed": positions.describe(gone) if gone else "",
        "newest": {
            LOGS_TOPIC: newest_message(admin, LOGS_TOPIC, list(topics.logs)),
            STATUS_TOPIC: newest_message(admin, STATUS_TOPIC, list(topics.status)),
        },
    }


def newest_message(admin: AdminClient, topic: str, partitions: list[int]) -> datetime | None:
    """When the newest message of these partitions reached the topic; None if there is none. Raises KafkaException."""
    wanted = {TopicPartition(topic, number): OffsetSpec.max_timestamp() for number in partitions}
    if not wanted:
        return None
    asked = admin.list_offsets(wanted, request_timeout=SECONDS)
    newest = max(found.result(SECONDS).timestamp for found in asked.values())
    return times.utc(newest) if newest > 0 else None


def ask_mysql(cursor: Any) -> dict[str, Any]:
    """loaded_logs, loaded, newest, heartbeat_at and stop_asked of a Sample; users and reconciled as the page shows
    them. Raises mysql.connector.Error."""
    progress = hops.read_progress(cursor).values()
    loaded_logs, loaded = sum(log for log, _ in progress), sum(status for _, status in progress)
    driver = lease.look(cursor)
    return {
        "loaded_logs": loaded_logs,
        "loaded": loaded,
        "newest": {"MySQL": max(filter(None, newest_rows(cursor).values()), default=None)},
        "heartbeat_at": driver.heartbeat_at,
        "stop_asked": driver.stop_asked,
    }


def newest_rows(cursor: Any) -> dict[str, datetime | None]:
    """`received_at` of the newest row by status, without those of the future. Raises mysql.connector.Error."""
    found = {}
    for status in STATUSES:
        cursor.execute(hops.NEWEST_ROW.format(TABLES[status]))
        (time,) = cursor.fetchone()
        found[status] = _utc(time)
    return found


def ask_users(cursor: Any) -> dict[str, Any] | None:
    """version, changed_at, accounts, last_day, loaded_at and pending_changes of the users dimension; None before its
    first load, and if the contract has none. Raises mysql.connector.Error."""
    if reading.current().dimension is None:
        return None
    cursor.execute(f"SELECT version, changed_at FROM {USERS_DATABASE}.{VERSION_TABLE}")
    version = cursor.fetchone()
    cursor.execute(f"SELECT ds, accounts, loaded_at FROM {USERS_DATABASE}.{LOADS_TABLE} ORDER BY ds DESC LIMIT 1")
    load = cursor.fetchone()
    if version is None or load is None:
        return None
    cursor.execute(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM {USERS_DATABASE}.{CHANGES_TABLE} LIMIT {MOST_CHANGES}) AS some"
    )
    (pending,) = cursor.fetchone()
    return {
        "version": version[0],
        "changed_at": _utc(version[1]),
        "accounts": load[1],
        "last_day": load[0].isoformat(),
        "loaded_at": _utc(load[2]),
        "pending_changes": pending,
    }


def ask_reconciled(cursor: Any) -> tuple[datetime, int] | None:
    """When the conservation proof last closed a range, and how many logs it has closed; None before the first."""
    cursor.execute(f"SELECT MAX(reconciled_at), SUM(next_offset) FROM {LOGS_DATABASE}.{RECONCILED_TABLE}")
    at, logs = cursor.fetchone()
    return None if at is None else (at.replace(tzinfo=UTC), int(logs))


def ask_elasticsearch(client: Elasticsearch) -> dict[str, Any]:
    """documents and newest of a Sample. Raises the client's errors."""
    asked = client.options(request_timeout=SECONDS, ignore_status=404)
    answer = asked.search(index=INDEX, **NEWEST)
    documents = answer.get("hits", {}).get("total", {}).get("value", 0)
    newest = answer.get("aggregations", {}).get("newest", {}).get("value")
    at = None if newest is None else times.utc(int(newest))
    return {"documents": documents, "newest": {"Elasticsearch": at}}


def _utc(time: datetime | None) -> datetime | None:
    return time and time.replace(tzinfo=UTC)
