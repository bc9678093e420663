"""The contestants' sinks: emptied before each run, watched for progress during it, counted after it."""

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException

from bench import own_stack, prefill
from include import names
from include.index import template
from include.names import INDEXER_GROUP
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.topics import hops
from jobs.loading import layout

_STATE_TABLES: Final = (names.PROGRESS_TABLE, names.LEASE_TABLE, names.TOPIC_IDS_TABLE, names.RECONCILED_TABLE)
_LOADED: Final = f"SELECT COALESCE(SUM(last_offset + 1), 0) FROM {names.LOGS_DATABASE}.{names.PROGRESS_TABLE}"
_DIRTY: Final = "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'"
_FEW_PAGES: Final = 200
_SECONDS: Final = 60


def empty(env: Environment, *topics: str) -> None:
    """Empties tables, progress, lease, the given topics and the index, and waits until MySQL has flushed its pages.

    Raises StackError if Kafka does not remove a topic, or MySQL does not flush, in time.
    """
    shutil.rmtree(env.reaching().checkpoints, ignore_errors=True)
    with closing(own_stack.connection(env)) as connection, closing(connection.cursor()) as cursor:
        for table in names.TABLES.values():
            prefill.empty(cursor, table)
        for table in _STATE_TABLES:
            cursor.execute(f"TRUNCATE TABLE {names.LOGS_DATABASE}.{table}")
        admin = env.outside.admin()
        for done in admin.delete_topics(list(topics)).values():
            done.result(_SECONDS)
        with suppress(KafkaException):  # usually there is none
            admin.delete_consumer_groups([INDEXER_GROUP])[INDEXER_GROUP].result(_SECONDS)
        _until(lambda: not admin.list_topics(timeout=_SECONDS).topics.keys() & set(topics), "Kafka removes the topics")
        own_stack.make_topics(env)
        with env.outside.search() as client:
            template.delete_all(client)
            template.ensure(client)

        def is_quiet() -> bool:
            cursor.execute(_DIRTY)
            return int(cursor.fetchone()[1]) < _FEW_PAGES

        _until(is_quiet, "MySQL flushes its pages")


def _until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(
                f"Waited {_SECONDS} s in vain until {what}.", "Run ./logsieve bench on a less busy machine."
            )
        time.sleep(0.2)


class Progress:
    """The number of logs that have reached the wanted hops."""

    def __init__(self, consumer: Consumer, cursor: Any, wanted: frozenset[str]) -> None:
        self._consumer, self._cursor, self._wanted = consumer, cursor, wanted

    def read(self) -> dict[str, int]:
        """Logs by hop: status (messages), rows (from the progress committed with them), documents (committed)."""
        found = {}
        # The first hop is read last, so that no hop seems to be ahead of an earlier one.
        if "rows" in self._wanted:
            self._cursor.execute(_LOADED)
            found["rows"] = int(self._cursor.fetchone()[0])
        if "documents" in self._wanted:
            ends = hops.topic_ends(self._consumer, names.STATUS_TOPIC)
            found["documents"] = sum(hops.indexed(self._consumer, ends).values())
        if "status" in self._wanted:
            found["status"] = sum(hops.topic_ends(self._consumer, names.STATUS_TOPIC).values())
        return found


@contextmanager
def watching(env: Environment, wanted: frozenset[str]) -> Iterator[Progress]:
    """Watches the hops, with its own clients."""
    with ExitStack() as stack:
        consumer = stack.enter_context(env.outside.looking(INDEXER_GROUP))
        connection = stack.enter_context(closing(own_stack.connection(env)))
        yield Progress(consumer, stack.enter_context(closing(connection.cursor())), wanted)


def rows(env: Environment) -> dict[str, tuple[int, int]]:
    """By status, the number of rows and their checksum: equal rows have equal checksums."""
    found = {}
    with closing(own_stack.connection(env)) as connection, closing(connection.cursor()) as cursor:
        for status, table in names.TABLES.items():
            columns = (*layout.current().columns, *(layout.RAW_COLUMNS if status == names.BAD else ()))
            # In hexadecimal: MySQL joins no bytes to text that are not text themselves, as those of `raw` may be.
            row = f"CONCAT_WS(',', {', '.join(f'QUOTE(HEX({column}))' for column in columns)})"
            cursor.execute(
                f"SELECT COUNT(*), BIT_XOR(CRC32({row})) FROM {names.LOGS_DATABASE}.{table}"
                f" WHERE kafka_partition < {prefill.FIRST_PARTITION}"
            )
            count, checksum = cursor.fetchone()
            found[status] = (int(count), int(checksum))
    return found


def messages(env: Environment) -> dict[str, int]:
    """By status, the number of distinct origins in the status topic, from its keys and the text of its values."""
    marks = {status: f'"status":"{status}"'.encode() for status in names.STATUSES}
    origins: dict[str, set[bytes]] = {status: set() for status in names.STATUSES}
    with env.outside.looking(INDEXER_GROUP) as consumer:
        for partition, (first, end) in hops.topic_ranges(consumer, names.STATUS_TOPIC).items():
            for some in hops.read_status(consumer, partition, first, end):
                for message in some:
                    value: Any = message.value() or b""
                    status = next((status for status, mark in marks.items() if mark in value), None)
                    if status:
                        origins[status].add(bytes(message.key() or b""))
    return {status: len(found) for status, found in origins.items()}


def documents(env: Environment) -> dict[str, int]:
    """The number of documents by status."""
    with env.outside.search(60) as client:
        client.indices.refresh(index=names.INDEX)
        return hops.read_documents(client)


def ends(env: Environment, topic: str) -> dict[int, int]:
    """The next offset of each partition of a topic."""
    with env.outside.looking(INDEXER_GROUP) as consumer:
        return hops.topic_ends(consumer, topic)
