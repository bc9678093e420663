"""Whether the topics are still the ones whose offsets the tables hold: a topic made anew counts from 0 again."""

from contextlib import closing

from confluent_kafka.admin import AdminClient

from include.clients import kafka
from include.driver.exit_codes import DriverEnd
from include.settings import Settings
from include.topics import ids as topic_ids
from jobs.database import Database
from jobs.ends import EndError


class OtherTopicError(EndError):
    """A topic was deleted and made anew: its offsets would be taken for those of other logs."""

    exit_code = DriverEnd.NOT_PROVISIONED


def check(database: Database, settings: Settings) -> None:
    """Keeps the id of each topic at the first start, and from then on raises OtherTopicError when one has another."""
    ids = topic_ids.read(AdminClient(kafka.native(settings)))
    with database.session() as connection, closing(connection.cursor()) as cursor:
        known = topic_ids.known(cursor)
        # Where all are known nothing is written: a classify that begins anew needs no more than to read.
        if ids.keys() - known.keys():
            topic_ids.keep(cursor, ids)
            known = topic_ids.known(cursor)
            connection.commit()
    for topic in topic_ids.recreated(ids, known):
        raise OtherTopicError(
            f"the topic {topic} was made anew (id {ids[topic]}, known is {known[topic]}), so its offsets mean other"
            " logs than those in MySQL. To go on with it, and keep the old rows and documents apart:"
            " ./logsieve stream stop, then ./logsieve topics --adopt. To begin with empty tables: ./logsieve up --fresh"
        )
