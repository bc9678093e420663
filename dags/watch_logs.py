"""Looks every few minutes whether logs flow and verdicts are as usual.

**When**: every five minutes. A red run is an alarm; the next green one is its end.

**When a task is red**
- `…_is_filling`: no verdict younger than a minute arrived there. Are logs sent (`generate_logs`, or your own source)?
  Does the stream run (`classify_logs`)?
- `stream`: no driver judges the logs, or none would be brought back if it ended (its DAG is paused, its run was
  marked): the error says what keeps it, and the remedy, mostly `./logsieve stream start`.
- `lag`: logs or verdicts wait, for `classify`, `load` or the indexer. More than the limit means that this one is
  stopped or too slow, or that its server is away: `./logsieve status`. Red too when one of them has waited for a
  minute for a server that refuses what it is asked: it says what, with the remedy. And when Kafka has removed verdicts
  that were not indexed yet: it names them, and how to go on.
- `disk`: little space is left where the state is. Kafka and MySQL end when there is none: make room before.
- `foreign`: somebody else wrote into `server-logs-status`. Nothing is wrong with the logs: such messages are set aside
  in `logs.foreign_messages`, with the reason. Find who sends them; it is green an hour after the last one.
- `documents`: Elasticsearch refused documents; they are in the indexer's dead-letter file with the reason.
- `breaker`: too large a share of the last minutes' logs is bad, or many in a row are; it says why, with an example of
  each reason. Did a sender change, or a rule? Nothing is lost meanwhile. The stream goes on unless `breaker_stops` is
  set: then it has been stopped, and `./logsieve stream start` brings it back.

**Who is told**: every red task is an error in its own log; the first of each hour also goes to Slack and by e-mail
where the connections `alerts_slack` and `alerts_email` exist.
"""

from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseHook, Param, dag, task

from include.settings import Settings
from plugins.filling import filling_sensors
from plugins.house import SHARE_BAD, SHARE_SUSPICIOUS, UNATTENDED

settings = Settings()

WAITS_SECONDS = 60
"""What a server has refused for so long does not pass by itself, as a lock does."""


@dag(
    schedule="*/5 * * * *",
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["logsieve"],
    default_args=UNATTENDED,
    params={
        "share_bad": SHARE_BAD,
        "share_suspicious": SHARE_SUSPICIOUS,
        "lag_limit": Param(10_000, type="integer", minimum=0, description="logs that may wait at a hop"),
        "free_gib": Param(
            settings.free_gib, type="number", minimum=0, maximum=1_000_000, description="GiB that are to be free"
        ),
        "breaker_share": Param(
            settings.breaker_share, type="number", minimum=0, maximum=1, description="share of bad logs that may be"
        ),
        "breaker_window_minutes": Param(
            settings.breaker_window_minutes,
            type="integer",
            minimum=1,
            maximum=1440,
            description="in these last minutes",
        ),
        "breaker_in_a_row": Param(
            settings.breaker_in_a_row,
            type="integer",
            minimum=1,
            maximum=1_000_000,
            description="bad logs in a row that are too many",
        ),
        "breaker_stops": Param(settings.breaker_stops, type="boolean", description="too many stop the stream"),
    },
    doc_md=__doc__,
)
def watch_logs() -> None:
    @task(retries=6)
    def stream(ti: Any = None) -> str:
        """Whether a driver judges, and Airflow would bring it back; red with what keeps it from that."""
        from airflow.sdk.exceptions import AirflowException, AirflowFailException

        from include.driver import lease, stream_verdict
        from plugins.stream_runs import of_task

        with closing(BaseHook.get_hook("mysql").get_conn()) as connection, closing(connection.cursor()) as cursor:
            driver = lease.look(cursor)
        airflow = of_task(ti, driver.now)
        found = stream_verdict.assess(driver, airflow)
        if found.ok:
            return found.sentence
        # A run that goes on may just start its driver, which takes half a minute: it is looked at again.
        is_sure = airflow.active is None or airflow.paused
        raise (AirflowFailException if is_sure else AirflowException)(str(found))

    @task
    def lag(lag_limit: str) -> list[str]:
        """Offsets not yet classified, loaded or indexed; red above the limit, and when Kafka removed what was not."""
        from include.index import positions
        from include.index.indexer import GROUP
        from include.topics import hops
        from include.watch import health, troubles

        with closing(BaseHook.get_hook("mysql").get_conn()) as connection, closing(connection.cursor()) as cursor:
            # Without the numbers of rows: while millions are counted, more is sent than may wait.
            tables = hops.Tables(loaded=hops.read_loaded(cursor), loaded_logs=hops.read_loaded_logs(cursor))
        # Of the indexer's group, as Kafka keeps for that how far it is.
        with hops.looking(BaseHook.get_connection("kafka").extra_dejson, GROUP) as consumer:
            topics = hops.read_topics(consumer, tables.loaded_logs)
            waiting = {"classify": topics.lag, "load": tables.lag(topics), "index": hops.index_lag(consumer, topics)}
            gone = positions.find_gone(consumer)
        verdicts = [health.lag(hop, behind, int(lag_limit)) for hop, behind in waiting.items()]
        if gone:
            told = f"{positions.tell(gone)} {positions.HOW_TO_GO_ON}"
            verdicts.append(health.Verdict(False, told))
        for standing in troubles.read(Settings().troubles).values():
            verdicts.append(health.Verdict(standing.seconds < WAITS_SECONDS, str(standing)))
        return _all_ok(verdicts)

    @task
    def breaker(params: Any = None) -> list[str]:
        """Share of bad logs in the last minutes, and bad logs in a row; red above either limit, with the reasons."""
        from include.driver.lease import HOW_TO_RESTART, ask_to_stop
        from include.names import BAD
        from include.watch import bad_logs, health

        minutes, in_a_row = params["breaker_window_minutes"], params["breaker_in_a_row"]
        with closing(BaseHook.get_hook("mysql").get_conn()) as connection, closing(connection.cursor()) as cursor:
            counts = bad_logs.counts(cursor, minutes)
            share = health.share_of_bad(counts[BAD], sum(counts.values()), params["breaker_share"], minutes)
            # Where most logs are bad, looking for runs would take long and tell nothing new.
            run = bad_logs.run_of_bad(cursor, minutes, in_a_row) if share.ok else None
            verdicts = [share, health.bad_in_a_row(run, in_a_row)]
            remarks = []
            if not all(verdict.ok for verdict in verdicts):
                remarks = ["Top reasons:", *map(str, bad_logs.top_reasons(cursor, minutes, run))]
                if params["breaker_stops"]:
                    ask_to_stop(cursor)
                    connection.commit()
                    remarks.append(f"The stream was stopped, as breaker_stops says: {HOW_TO_RESTART}.")
        return _all_ok(verdicts, *remarks)

    @task
    def disk(free_gib: str) -> list[str]:
        """Free space of each disk that has data of ours; red when there is less than the limit."""
        import mysql.connector

        from include.retention import expiry
        from include.watch import free_space

        rate = None
        # A full disk is a reason for MySQL to be away.
        with (
            suppress(mysql.connector.Error),
            closing(BaseHook.get_hook("mysql").get_conn()) as connection,
            closing(connection.cursor()) as cursor,
        ):
            rate = expiry.arrivals_a_second(cursor)
        return _all_ok(free_space.assess(free_space.read(Settings()), float(free_gib), rate))

    @task
    def documents() -> list[str]:
        """Documents that Elasticsearch refused; red when there are any."""
        from include.index.dead_letters import refused_count
        from include.watch import health

        refused = refused_count(Settings())
        sentence = f"Elasticsearch refused {refused:,} documents, see {Settings().dead_letters}"
        return _all_ok([health.Verdict(refused == 0, sentence)])

    @task
    def foreign() -> list[str]:
        """Messages in the status topic that are nobody's verdict; red when one was set aside within the last hour.

        Tells too what the topics' settings have otherwise than they are made, which is no alarm.
        """
        from airflow.providers.apache.kafka.hooks.client import KafkaAdminClientHook

        from include.names import FOREIGN_TABLE, LOGS_DATABASE, STATUS_TOPIC
        from include.topics import configs, foreign_messages
        from include.watch import health

        with closing(BaseHook.get_hook("mysql").get_conn()) as connection, closing(connection.cursor()) as cursor:
            found = foreign_messages.count(cursor, 60)
        told = f"{found:,} messages in {STATUS_TOPIC} within an hour were nobody's verdict"
        told += f": see {LOGS_DATABASE}.{FOREIGN_TABLE}, and find who sends them" if found else ""
        settings_told = configs.tell(configs.differing(KafkaAdminClientHook("kafka").get_conn))
        verdicts = [health.Verdict(found == 0, told)]
        return _all_ok(verdicts) + ([settings_told] if settings_told else [])

    stream()
    filling_sensors(timeout=timedelta(minutes=3))
    lag("{{ params.lag_limit }}")
    breaker()
    disk("{{ params.free_gib }}")
    documents()
    foreign()


def _all_ok(verdicts: list[Any], *remarks: str) -> list[str]:
    """The sentences when all is well. Raises AirflowFailException, never tried again, with those that are not.

    Each of the `remarks` follows them on its own line.
    """
    from airflow.sdk.exceptions import AirflowFailException

    wrong = [verdict.sentence for verdict in verdicts if not verdict.ok]
    if wrong:
        raise AirflowFailException("\n".join(["; ".join(wrong), *remarks]))
    return [verdict.sentence for verdict in verdicts]


watch_logs()
