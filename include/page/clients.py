"""The page's clients of Kafka, MySQL and Elasticsearch: made when first needed, kept, and replaced after an error."""

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

from include.clients import kafka as kafka_client
from include.clients import mysql as mysql_client
from include.index import template
from include.index.indexer import GROUP
from include.page import way_sample
from include.settings import Settings
from include.topics import hops

MYSQL_SECONDS: Final = 3
_KEPT_CONNECTIONS: Final = 4


class PageClients:
    """May be used by several threads; ask_kafka by one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._search: Elasticsearch | None = None
        self._kafka: tuple[Consumer, AdminClient] | None = None
        self._connections: deque[Any] = deque()

    def search(self) -> Elasticsearch:
        """The one client."""
        with self._lock:
            if self._search is None:
                # A line for each request otherwise.
                logging.getLogger("elastic_transport").setLevel(logging.WARNING)
                self._search = template.connect(self._settings)
            return self._search

    @contextmanager
    def cursor(self, **options: Any) -> Iterator[Any]:
        """A cursor of a connection that nobody else uses meanwhile. Raises mysql.connector.Error."""
        try:
            connection = self._connections.pop()
        except IndexError:
            connection = mysql_client.connect(self._settings, MYSQL_SECONDS)
        try:
            # A kept connection may be older than the server's last start.
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

    def ask_kafka(self) -> dict[str, Any]:
        """See log_way_sample.ask_kafka."""
        if self._kafka is None:
            kafka = kafka_client.native(self._settings) | {"log_level": 0}
            consumer = Consumer({**kafka, **hops.LOOKING, "group.id": GROUP, "enable.auto.commit": False})
            self._kafka = consumer, AdminClient(kafka)
        try:
            return way_sample.ask_kafka(*self._kafka)
        except KafkaException:
            # After a restart of the broker it would fail for ever: FENCED_LEADER_EPOCH (seen).
            self._kafka[0].close()
            self._kafka = None
            raise

    def ask_mysql(self) -> dict[str, Any]:
        """See log_way_sample.ask_mysql; and users and reconciled."""
        with self.cursor() as cursor:
            return {
                **way_sample.ask_mysql(cursor),
                "users": way_sample.ask_users(cursor),
                "reconciled": way_sample.ask_reconciled(cursor),
            }

    def ask_elasticsearch(self) -> dict[str, Any]:
        """See log_way_sample.ask_elasticsearch."""
        return way_sample.ask_elasticsearch(self.search())
