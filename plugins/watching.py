"""The checks of the DAG watch_logs. Each returns sentences with its numbers, or raises AirflowFailException with what
is wrong. Server errors propagate, and Airflow retries the task."""

from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, Final

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.settings import Settings
from include.watch import health
from plugins.outside import Connections

WAITS_SECONDS: Final = 60
"""A refusal that lasts this long does not pass by itself, as a lock does."""

outside = Connections()


def stream(task_instance: Any) -> str:
    """Whether a driver judges and Airflow would restart it. Raises AirflowException, to be retried, while a driver may
    just be starting, which takes half a minute."""
    from include.driver import lease, stream_verdict
    from plugins.stream_runs import of_task

    with closing(outside.mysql()) as connection, closing(connection.cursor()) as cursor:
        driver = lease.look(cursor)
    airflow = of_task(task_instance, driver.now)
    found = stream_verdict.assess(driver, airflow)
    if found.ok:
        return found.sentence
    is_sure = airflow.active is None or airflow.paused
    raise (AirflowFailException if is_sure else AirflowException)(str(found))


def lag(limit: int) -> list[str]:
    """Offsets not yet classified, loaded or indexed; wrong above the limit, if a server has refused a hop's requests
    for WAITS_SECONDS, or if Kafka has removed unindexed verdicts."""
    from include.index import positions
    from include.names import INDEXER_GROUP
    from include.topics import hops
    from include.watch import troubles

    with closing(outside.mysql()) as connection, closing(connection.cursor()) as cursor:
        # Without row counts: while millions are counted, more logs arrive than the limit.
        tables = hops.Tables(progress=hops.read_progress(cursor))
    with outside.looking(INDEXER_GROUP) as consumer:
        topics = hops.read_topics(consumer, tables.loaded_logs)
        waiting = {"classify": topics.lag, "load": tables.lag(topics), "index": hops.index_lag(consumer, topics)}
        gone = positions.find_gone(consumer)
    verdicts = [health.lag(hop, behind, limit) for hop, behind in waiting.items()]
    if gone:
        verdicts.append(health.Verdict(False, f"{positions.describe(gone)} {positions.HOW_TO_GO_ON}"))
    for standing in troubles.read(Settings().troubles).values():
        verdicts.append(health.Verdict(standing.seconds < WAITS_SECONDS, str(standing)))
    return _all_ok(verdicts)


def breaker(params: Mapping[str, Any]) -> list[str]:
    """Recent share of bad logs, and bad logs in a row; wrong above either limit, with the reasons.

    If `breaker_stops` is set, it then stops the stream. `params`: those of watch_logs.
    """
    from include.driver.lease import HOW_TO_RESTART, ask_to_stop
    from include.names import BAD
    from include.watch import bad_logs

    minutes, in_a_row = params["breaker_window_minutes"], params["breaker_in_a_row"]
    with closing(outside.mysql()) as connection, closing(connection.cursor()) as cursor:
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


def disk(free_gib: float) -> list[str]:
    """Free space on each disk that holds our data; wrong below the limit."""
    import mysql.connector

    from include.retention import expiry
    from include.watch import free_space

    rate = None
    # MySQL may be down because the disk is full.
    with (
        suppress(mysql.connector.Error),
        closing(outside.mysql()) as connection,
        closing(connection.cursor()) as cursor,
    ):
        rate = expiry.arrivals_a_second(cursor)
    return _all_ok(free_space.assess(free_space.read(Settings()), free_gib, rate))


def documents() -> list[str]:
    """Documents that Elasticsearch refused; wrong if there are any."""
    from include.index.dead_letters import refused_count

    refused = refused_count(Settings())
    sentence = f"Elasticsearch refused {refused:,} documents, see {Settings().dead_letters}"
    return _all_ok([health.Verdict(refused == 0, sentence)])


def foreign() -> list[str]:
    """Messages in the status topic that are not verdicts; wrong if one was set aside within the last hour.

    Also reports topic settings that differ from those of new topics.
    """
    from include.names import FOREIGN_TABLE, LOGS_DATABASE, STATUS_TOPIC
    from include.topics import configs, foreign_messages

    with closing(outside.mysql()) as connection, closing(connection.cursor()) as cursor:
        found = foreign_messages.count(cursor, 60)
    sentence = f"{found:,} messages of the last hour in {STATUS_TOPIC} are not verdicts"
    sentence += f": see {LOGS_DATABASE}.{FOREIGN_TABLE}, and find their sender" if found else ""
    differences = configs.describe(configs.differing(outside.admin()))
    return _all_ok([health.Verdict(found == 0, sentence)]) + ([differences] if differences else [])


def _all_ok(verdicts: Sequence[health.Verdict], *remarks: str) -> list[str]:
    """Returns all sentences if every verdict is ok. Else raises with the others, and the `remarks` on lines of their
    own; no retry would help."""
    wrong = [verdict.sentence for verdict in verdicts if not verdict.ok]
    if wrong:
        raise AirflowFailException("\n".join(["; ".join(wrong), *remarks]))
    return [verdict.sentence for verdict in verdicts]
