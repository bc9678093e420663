"""Looks every few minutes whether logs flow and verdicts are as usual.

**When**: every five minutes. A red run is an alarm; the next green one is its end.

**When a task is red**
- `…_is_filling`: no verdict younger than a minute arrived there. Are logs sent (`generate_logs`, or your own source)?
  Does the stream run (`classify_logs`)?
- `lag`: logs or verdicts wait. More than the limit means that a consumer is stopped or too slow: `./logsieve status`.
- `documents`: Elasticsearch refused documents; they are in the indexer's dead-letter file with the reason.
- `share_of_bad`: more logs than usual are bad. Look at the newest reasons in `bad_logs`: did a sender change?
"""

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import BaseHook, Param, dag, task

from include.settings import Settings
from plugins.filling import filling_sensors
from plugins.house import RETRIES, SHARE_BAD, SHARE_SUSPICIOUS


@dag(
    schedule="*/5 * * * *",
    start_date=datetime(2020, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=RETRIES,
    params={
        "share_bad": SHARE_BAD,
        "share_suspicious": SHARE_SUSPICIOUS,
        "lag_limit": Param(10_000, type="integer", minimum=0, description="logs that may wait at a hop"),
        "share_of_bad_limit": Param(0.2, type="number", minimum=0, maximum=1, description="of the last ten minutes"),
    },
    doc_md=__doc__,
)
def watch_logs() -> None:
    @task
    def lag(lag_limit: str) -> list[str]:
        """Offsets not yet classified or loaded; red above the limit."""
        from airflow.providers.apache.kafka.hooks.consume import KafkaConsumerHook

        from include import health, hops

        connection = BaseHook.get_hook("mysql").get_conn()
        consumer = KafkaConsumerHook([], "kafka").get_conn
        try:
            tables = hops.read_tables(connection.cursor())
            topics = hops.read_topics(consumer)
        finally:
            consumer.close()
            connection.close()
        waiting = {"classify": topics.lag, "load": tables.lag(topics)}
        return _all_well([health.lag(hop, behind, int(lag_limit)) for hop, behind in waiting.items()])

    @task
    def share_of_bad(limit: str) -> list[str]:
        """Share of bad logs among those of the last ten minutes; red above the limit."""
        from include import health
        from include.names import BAD, LOGS_DATABASE, TABLES

        counts = {
            status: BaseHook.get_hook("mysql").get_first(
                f"SELECT COUNT(*) FROM {LOGS_DATABASE}.{table}"  # noqa: S608
                " WHERE received_at > UTC_TIMESTAMP() - INTERVAL 10 MINUTE"
            )[0]
            for status, table in TABLES.items()
        }
        return _all_well([health.share_of_bad(counts[BAD], sum(counts.values()), float(limit))])

    @task
    def documents() -> list[str]:
        """Documents that Elasticsearch refused; red when there are any."""
        from include import health
        from include.dead_letters import refused_count

        refused = refused_count(Settings())
        sentence = f"Elasticsearch refused {refused:,} documents, see {Settings().dead_letters}"
        return _all_well([health.Verdict(refused == 0, sentence)])

    filling_sensors(timeout=timedelta(minutes=3))
    lag("{{ params.lag_limit }}")
    share_of_bad("{{ params.share_of_bad_limit }}")
    documents()


def _all_well(verdicts: list[Any]) -> list[str]:
    """The sentences when all is well. Raises AirflowFailException, never tried again, with those that are not."""
    from airflow.sdk.exceptions import AirflowFailException

    wrong = [verdict.sentence for verdict in verdicts if not verdict.ok]
    if wrong:
        raise AirflowFailException("; ".join(wrong))
    return [verdict.sentence for verdict in verdicts]


watch_logs()
