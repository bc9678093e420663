"""The page's clients of Kafka, MySQL and Elasticsearch: created on first use, kept, and replaced after an error."""

import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Final

import mysql.connector
from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient
from elasticsearch import Elasticsearch

from include.clients.outside import Outside
from include.names import INDEXER_GROUP
from include.page import way_sample

MYSQL_SECONDS: Final = 3
_KEPT_CONNECTIONS: Final = 4


class PageClients:
    """Thread-safe, except for kafka and ask_kafka: one thread at a time."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._lock = threading.Lock()
        self._search: Elasticsearch | None = None
        self._kafka: tuple[Consumer, AdminClient] | None = None
        self._connections: deque[Any] = deque()

    def search(self) -> Elasticsearch:
        """The shared Elasticsearch client."""
        with self._lock:
            if self._search is None:
                # Otherwise it logs a line per request.
                logging.getLogger("elastic_transport").setLevel(logging.WARNING)
                self._search = self._outside.search()
            return self._search

    @contextmanager
    def cursor(self, **options: Any) -> Iterator[Any]:
        """A cursor of a connection that no other thread uses meanwhile. Raises mysql.connector.Error."""
        try:
            connection = self._connections.pop()
        except IndexError:
            connection = self._outside.mysql(seconds=MYSQL_SECONDS, autocommit=True)
        try:
            # A kept connection may be older than the server's last restart.
            connection.ping(reconnect=True)
            with closing(connection.cursor(**options)) as cursor:
                yield cursor
        except BaseException:
            with suppress(mysql.connector.Error, OSError):
                connection.close()
            raise
        if len(self._connections) < _KEPT_CONNECTIONS:
            self._connections.append(connection)
        else:
            connection.close()

    @contextmanager
    def kafka(self) -> Iterator[tuple[Consumer, AdminClient]]:
        """The consumer, in the indexer's group, and the admin client. Raises KafkaException."""
        if self._kafka is None:
            self._kafka = self._outside.consumer(INDEXER_GROUP), self._outside.admin()
        try:
            yield self._kafka
        except KafkaException:
            # After a restart of the broker it would keep failing with FENCED_LEADER_EPOCH (observed).
            self._kafka[0].close()
            self._kafka = None
            raise

    def ask_kafka(self) -> dict[str, Any]:
        """See way_sample.ask_kafka."""
        with self.kafka() as clients:
            return way_sample.ask_kafka(*clients)

    def ask_mysql(self) -> dict[str, Any]:
        """See way_sample.ask_mysql; plus users and reconciled."""
        with self.cursor() as cursor:
            return {
                **way_sample.ask_mysql(cursor),
                "users": way_sample.ask_users(cursor),
                "reconciled": way_sample.ask_reconciled(cursor),
            }

    def ask_elasticsearch(self) -> dict[str, Any]:
        """See way_sample.ask_elasticsearch."""
        return way_sample.ask_elasticsearch(self.search())
