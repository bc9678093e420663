"""Checks that the topics are still those whose offsets the tables hold: a recreated topic counts from 0 again."""

from contextlib import closing

from include.clients.outside import Outside
from include.driver.exit_codes import DriverEnd
from include.topics import ids as topic_ids
from jobs.database import Database
from jobs.ends import EndError


class OtherTopicError(EndError):
    """A topic was deleted and recreated: its offsets would be confused with those of the old logs."""

    exit_code = DriverEnd.NOT_PROVISIONED


def check(database: Database, outside: Outside) -> None:
    """Stores the id of each topic at the first start; from then on raises OtherTopicError when an id has changed."""
    ids = topic_ids.read(outside.admin())
    with database.session() as connection, closing(connection.cursor()) as cursor:
        known = topic_ids.known(cursor)
        # If all ids are stored, nothing is written: restarting classify needs read access only.
        if ids.keys() - known.keys():
            topic_ids.keep(cursor, ids)
            known = topic_ids.known(cursor)
            connection.commit()
    for topic in topic_ids.recreated(ids, known):
        raise OtherTopicError(
            f"the topic {topic} was recreated (its id is {ids[topic]}, was {known[topic]}), so its offsets refer to"
            " other logs than those in MySQL. To continue with it, and keep the old rows and documents apart:"
            " ./logsieve stream stop, then ./logsieve topics --adopt. To start with empty tables: ./logsieve up --fresh"
        )
