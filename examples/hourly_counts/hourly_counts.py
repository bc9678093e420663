"""Counts the good logs by hour and country: an example of a DAG that follows the events of `good_logs`.

**When**: after each event of the asset `good_logs`: about every five minutes, for the rows that were loaded meanwhile,
and after corrections.

**What is normal**: green within seconds; `count` returns the number of counts it wrote.

**When it is red**: the log has MySQL's error. Nothing is lost and nothing is counted twice: clear the task, or wait for
the next event, which counts everything since the last row that was counted.
"""

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import Asset, dag, task

CONNECTION = "mysql"
GOOD_LOGS = Asset("good_logs")

OF_NOW = "SELECT GROUP_CONCAT(id ORDER BY topic SEPARATOR '/') FROM logs.topic_ids"
NEXT = "SELECT COALESCE(MAX(last_offset) + 1, 0) FROM logs.counted_ranges WHERE topics = %s AND kafka_partition = %s"
ADD_RANGE = (
    "INSERT INTO logs.counted_ranges (topics, kafka_partition, first_offset, last_offset) VALUES (%s, %s, %s, %s)"
)
OVERLAPPING = (
    "SELECT first_offset, last_offset FROM logs.counted_ranges WHERE topics = %s AND kafka_partition = %s"
    " AND last_offset >= %s AND first_offset <= %s"
    # What has expired can no longer be counted: it keeps its counts.
    " AND first_offset >= COALESCE((SELECT before_offset FROM logs.expired WHERE kafka_partition = %s), 0)"
)
FORGET = "DELETE FROM logs.hourly_counts WHERE topics = %s AND kafka_partition = %s AND first_offset = %s"
COUNT = (
    "INSERT INTO logs.hourly_counts (topics, kafka_partition, first_offset, hour, location_country, logs)"
    " SELECT %s, %s, %s, TIMESTAMP(DATE(event_timestamp), MAKETIME(HOUR(event_timestamp), 0, 0)) AS hour,"
    " location_country, COUNT(*)"
    " FROM logs.good_logs WHERE kafka_partition = %s AND kafka_offset BETWEEN %s AND %s GROUP BY hour, location_country"
)


@dag(
    schedule=[GOOD_LOGS],
    catchup=False,
    max_active_runs=1,
    tags=["example"],
    default_args={"retries": 3, "retry_delay": timedelta(seconds=5)},
    template_searchpath=str(Path(__file__).parent),
    doc_md=__doc__,
)
def hourly_counts() -> None:
    make_tables = SQLExecuteQueryOperator(
        task_id="make_tables", conn_id=CONNECTION, sql="hourly_counts.sql", split_statements=True, do_xcom_push=False
    )

    @task
    def count(triggering_asset_events: Any = None) -> int:
        """Counts what this run's events announce, each in one transaction. Returns the number of counts it wrote."""
        from airflow.providers.mysql.hooks.mysql import MySqlHook

        with closing(MySqlHook(CONNECTION).get_conn()) as connection, closing(connection.cursor()) as cursor:
            # Otherwise INSERT … SELECT would lock the rows that it reads, and `load` would wait.
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            counted = 0
            # One run may have several events.
            for event in sorted(triggering_asset_events[GOOD_LOGS], key=lambda event: event.timestamp):
                counted += _count(cursor, event.extra)
                connection.commit()
        return counted

    make_tables >> count()


def _count(cursor: Any, event: dict[str, Any]) -> int:
    """Counts what one event announces, or counts it again; the caller commits."""
    cursor.execute(OF_NOW)
    topics = event.get("topics")
    if cursor.fetchone()[0] != topics:
        return 0  # the topics were made anew since: the rows of these offsets were set aside, with their counts
    counted = 0
    for each in event["ranges"]:
        partition, first, last = each["partition"], each["first_offset"], each["last_offset"]
        if event["kind"] == "correction":
            cursor.execute(OVERLAPPING, (topics, partition, first, last, partition))
            for again in cursor.fetchall():
                cursor.execute(FORGET, (topics, partition, again[0]))
                counted += _count_range(cursor, topics, partition, *again)
        else:
            # Events continue each other. If one was not counted yet, or if the DAG is new, this one closes the gap.
            cursor.execute(NEXT, (topics, partition))
            (begin,) = cursor.fetchone()
            if begin <= last:  # else it was counted before: this run is a second try
                # Two runs cannot count the same range: it has a primary key.
                cursor.execute(ADD_RANGE, (topics, partition, begin, last))
                counted += _count_range(cursor, topics, partition, begin, last)
    return counted


def _count_range(cursor: Any, topics: str, partition: int, first: int, last: int) -> int:
    cursor.execute(COUNT, (topics, partition, first, partition, first, last))
    return int(cursor.rowcount)


hourly_counts()
