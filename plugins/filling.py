"""Sensors for fresh verdicts: in the status topic and in each of the three tables."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from airflow.providers.standard.sensors.python import PythonSensor
from airflow.sdk import BaseOperator, Context

from include.contract import reading
from include.names import BAD, DRIVER, GOOD, LOGS_DATABASE, STATUS_TOPIC, SUSPICIOUS, TABLES
from include.watch.health import FRESH_SECONDS
from plugins.alert import Alert
from plugins.mysql_hook import MySqlSensor
from plugins.outside import Connections

NEW = timedelta(seconds=FRESH_SECONDS)
"""Maximum age of a fresh verdict."""

WHAT_TO_DO = (
    f"There is no verdict younger than {NEW.seconds} s. Check the newest runs of generate_logs (are logs sent?) and"
    " classify_logs (does the stream run, what is the last line of its log?), then ./logsieve status."
)


def is_status_topic_filling() -> bool:
    """Whether the stream has sent a verdict within NEW; corrections of earlier ones do not count."""
    from include.proof import verdict_search

    with Connections().looking(DRIVER) as consumer:
        newest = verdict_search.newest_verdict(consumer)
    # A verdict from the future is not fresh: the clock was set back.
    return newest is not None and abs(datetime.now(UTC) - newest) < NEW


def _shares() -> dict[str, str]:
    """Share of the generated logs in each table, as a template expression: without a dimension, none is suspicious."""
    suspicious = "params.share_suspicious" if reading.current().dimension else "0"
    return {
        GOOD: f"(1 - params.share_bad - {suspicious}) | round(9)",
        BAD: "params.share_bad",
        SUSPICIOUS: suspicious,
    }


def filling_sensors(timeout: timedelta, pre_execute: Callable[[Context], None] | None = None) -> list[BaseOperator]:
    """One sensor for the status topic and one per table; each fails after `timeout` if no fresh verdicts arrive.

    `pre_execute`: of the first, which the others wait for. If it is skipped, all are.
    The DAG must have the params `share_bad` and `share_suspicious`: a table whose share is 0 is not waited for.
    """
    # Not deferred: a running triggerer would also fire for `airflow dags test`.
    topic = PythonSensor(
        task_id="status_topic_is_filling",
        python_callable=is_status_topic_filling,
        poke_interval=2,
        timeout=timeout.total_seconds(),
        pre_execute=pre_execute,
        on_failure_callback=Alert(WHAT_TO_DO),
        doc_md=f"Waits for new messages in the topic {STATUS_TOPIC}.",
    )
    shares = _shares()
    tables = [
        MySqlSensor(
            task_id=f"{table}_is_filling",
            sql=f"SELECT {{{{ 1 if {shares[status]} <= 0 else 0 }}}} OR EXISTS (SELECT 1 FROM {LOGS_DATABASE}.{table}"
            f" WHERE received_at BETWEEN UTC_TIMESTAMP() - INTERVAL {NEW.seconds} SECOND"
            # A log dated ahead by its sender would count until then.
            f" AND UTC_TIMESTAMP() + INTERVAL {NEW.seconds} SECOND)",
            poke_interval=2,
            timeout=timeout.total_seconds(),
            on_failure_callback=Alert(WHAT_TO_DO),
            doc_md=f"Waits for rows younger than {NEW.seconds} s in the table {table}.",
        )
        for status, table in TABLES.items()
    ]
    return [topic, *tables]
