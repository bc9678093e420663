"""Checks every few minutes that logs flow and verdicts are as usual.

**When**: every five minutes. A red run is an alert; the next green run ends it.

**When a task is red**
- `…_is_filling`: no verdict younger than a minute arrived there. Are logs sent (`generate_logs`, or your own source)?
  Does the stream run (`classify_logs`)?
- `stream`: no driver judges the logs, or a failed driver would not be restarted (its DAG is paused, its run was
  marked). The error has the cause and the remedy, usually `./logsieve stream start`.
- `lag`: more logs or verdicts wait for `classify`, `load` or the indexer than the limit: that hop is stopped or too
  slow, or its server is down; see `./logsieve status`. Also red if a server has refused a hop's requests for a minute;
  then the error has the remedy. Also red if Kafka has removed verdicts before they were indexed; then the error lists
  them and how to continue.
- `disk`: the state's disk is nearly full. Kafka and MySQL crash when it is full: free space before that.
- `foreign`: another program wrote to `server-logs-status`. The logs are not affected: such messages are set aside in
  `logs.foreign_messages` with the reason. Find their sender; the task is green an hour after the last one.
- `documents`: Elasticsearch refused documents; they are in the indexer's dead-letter file with the reason.
- `breaker`: too many recent logs are bad, in total or in a row; the error has the reasons with an example of each. Did
  a sender or a rule change? Nothing is lost. The stream keeps running unless `breaker_stops` is set: then it was
  stopped, and `./logsieve stream start` restarts it.

**Alerts**: every red task logs an error; the first failure of each hour also goes to Slack and by e-mail if the
connections `alerts_slack` and `alerts_email` exist.
"""

from contextlib import closing, suppress
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseHook, Param, dag, task

from include.settings import Settings
from plugins.filling import filling_sensors
from plugins.house import SCHEDULED, SHARE_BAD, SHARE_SUSPICIOUS

settings = Settings()

WAITS_SECONDS = 60
"""A refusal that lasts this long does not pass by itself, as a lock does."""


@dag(
    schedule="*/5 * * * *",
    **SCHEDULED,
    params={
        "share_bad": SHARE_BAD,
        "share_suspicious": SHARE_SUSPICIOUS,
        "lag_limit": Param(10_000, type="integer", minimum=0, description="logs that may wait at a hop"),
        "free_gib": Param(
            settings.free_gib, type="number", minimum=0, maximum=1_000_000, description="GiB that must be free"
        ),
        "breaker_share": Param(
            settings.breaker_share, type="number", minimum=0, maximum=1, description="maximum share of bad logs"
        ),
        "breaker_window_minutes": Param(
            settings.breaker_window_minutes,
            type="integer",
            minimum=1,
            maximum=1440,
            description="period of the share, in minutes",
        ),
        "breaker_in_a_row": Param(
            settings.breaker_in_a_row,
            type="integer",
            minimum=1,
            maximum=1_000_000,
            description="bad logs in a row that trip the breaker",
        ),
        "breaker_stops": Param(settings.breaker_stops, type="boolean", description="stop the stream when tripped"),
    },
    doc_md=__doc__,
)
def watch_logs() -> None:
    @task(retries=6)
    def stream(ti: Any = None) -> str:
        """Whether a driver judges and Airflow would restart it; fails with the cause if not."""
        from airflow.sdk.exceptions import AirflowException, AirflowFailException

        from include.driver import lease, stream_verdict
        from plugins.stream_runs import of_task

        with closing(BaseHook.get_hook("mysql").get_conn()) as connection, closing(connection.cursor()) as cursor:
            driver = lease.look(cursor)
        airflow = of_task(ti, driver.now)
        found = stream_verdict.assess(driver, airflow)
        if found.ok:
            return found.sentence
        # An active run may just be starting its driver, which takes half a minute: a retry checks again.
        is_sure = airflow.active is None or airflow.paused
        raise (AirflowFailException if is_sure else AirflowException)(str(found))

    @task
    def lag(lag_limit: str) -> list[str]:
        """Offsets not yet classified, loaded or indexed; fails above the limit, or if unindexed verdicts are gone."""
        from include.index import positions
        from include.index.indexer import GROUP
        from include.topics import hops
        from include.watch import health, troubles

        with closing(BaseHook.get_hook("mysql").get_conn()) as connection, closing(connection.cursor()) as cursor:
            # Without row counts: while millions are counted, more logs arrive than the limit.
            tables = hops.Tables(loaded=hops.read_loaded(cursor), loaded_logs=hops.read_loaded_logs(cursor))
        # In the indexer's group, because its offsets are committed there.
        with hops.looking(BaseHook.get_connection("kafka").extra_dejson, GROUP) as consumer:
            topics = hops.read_topics(consumer, tables.loaded_logs)
            waiting = {"classify": topics.lag, "load": tables.lag(topics), "index": hops.index_lag(consumer, topics)}
            gone = positions.find_gone(consumer)
        verdicts = [health.lag(hop, behind, int(lag_limit)) for hop, behind in waiting.items()]
        if gone:
            verdicts.append(health.Verdict(False, f"{positions.describe(gone)} {positions.HOW_TO_GO_ON}"))
        for standing in troubles.read(Settings().troubles).values():
            verdicts.append(health.Verdict(standing.seconds < WAITS_SECONDS, str(standing)))
        return _all_ok(verdicts)

    @task
    def breaker(params: Any = None) -> list[str]:
        """Recent share of bad logs, and bad logs in a row; fails above either limit, with the reasons."""
        from include.driver.lease import HOW_TO_RESTART, ask_to_stop
        from include.names import BAD
        from include.watch import bad_logs, health

        minutes, in_a_row = params["breaker_window_minutes"], params["breaker_in_a_row"]
        with closing(BaseHook.get_hook("mysql").get_conn()) as connection, closing(connection.cursor()) as cursor:
            counts = bad_logs.counts(cursor, minutes)
            share = health.share_of_bad(counts[BAD], sum(counts.values()), params["breaker_share"], minutes)
            # If most logs are bad, a search for runs would be slow and add nothing.
            run = bad_logs.run_of_bad(cursor, minutes, in_a_row) if share.ok else None
            verdicts = [share, health.bad_in_a_row(run, in_a_row)]
            remarks = []
            if not all(verdict.ok for verdict in verdicts):
                remarks = ["Top reasons:", *map(str, bad_logs.top_reasons(cursor, minutes, run))]
                if params["breaker_stops"]:
                    ask_to_stop(cursor)
                    connection.commit()
                    remarks.append(f"The stream was stopped because breaker_stops is set: {HOW_TO_RESTART}.")
        return _all_ok(verdicts, *remarks)

    @task
    def disk(free_gib: str) -> list[str]:
        """Free space on each disk that holds our data; fails below the limit."""
        import mysql.connector

        from include.retention import expiry
        from include.watch import free_space

        rate = None
        # MySQL may be down because the disk is full.
        with (
            suppress(mysql.connector.Error),
            closing(BaseHook.get_hook("mysql").get_conn()) as connection,
            closing(connection.cursor()) as cursor,
        ):
            rate = expiry.arrivals_a_second(cursor)
        return _all_ok(free_space.assess(free_space.read(Settings()), float(free_gib), rate))

    @task
    def documents() -> list[str]:
        """Documents that Elasticsearch refused; fails if there are any."""
        from include.index.dead_letters import refused_count
        from include.watch import health

        refused = refused_count(Settings())
        sentence = f"Elasticsearch refused {refused:,} documents, see {Settings().dead_letters}"
        return _all_ok([health.Verdict(refused == 0, sentence)])

    @task
    def foreign() -> list[str]:
        """Messages in the status topic that are not verdicts; fails if one was set aside within the last hour.

        Also reports topic settings that differ from those of new topics, without failing.
        """
        from airflow.providers.apache.kafka.hooks.client import KafkaAdminClientHook

        from include.names import FOREIGN_TABLE, LOGS_DATABASE, STATUS_TOPIC
        from include.topics import configs, foreign_messages
        from include.watch import health

        with closing(BaseHook.get_hook("mysql").get_conn()) as connection, closing(connection.cursor()) as cursor:
            found = foreign_messages.count(cursor, 60)
        sentence = f"{found:,} messages of the last hour in {STATUS_TOPIC} are not verdicts"
        sentence += f": see {LOGS_DATABASE}.{FOREIGN_TABLE}, and find their sender" if found else ""
        differences = configs.describe(configs.differing(KafkaAdminClientHook("kafka").get_conn))
        verdicts = [health.Verdict(found == 0, sentence)]
        return _all_ok(verdicts) + ([differences] if differences else [])

    stream()
    filling_sensors(timeout=timedelta(minutes=3))
    lag("{{ params.lag_limit }}")
    breaker()
    disk("{{ params.free_gib }}")
    documents()
    foreign()


def _all_ok(verdicts: list[Any], *remarks: str) -> list[str]:
    """Returns all sentences if every verdict is ok. Else raises AirflowFailException, without retry, with the others.

    The `remarks` follow in the error, each on its own line.
    """
    from airflow.sdk.exceptions import AirflowFailException

    wrong = [verdict.sentence for verdict in verdicts if not verdict.ok]
    if wrong:
        raise AirflowFailException("\n".join(["; ".join(wrong), *remarks]))
    return [verdict.sentence for verdict in verdicts]


watch_logs()
