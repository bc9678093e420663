"""What the metrics say at one moment, as each server tells it. Nothing here counts rows or reads logs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient
from elasticsearch import Elasticsearch

from include.driver import lease
from include.index import dead_letters, delays, group, positions
from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.page import way_sample
from include.settings import Settings
from include.topics import hops
from include.topics.hops import Topics
from include.watch import free_space, programs, totals, troubles
from include.watch.free_space import Space
from include.watch.programs import Program
from include.watch.totals import Delays, Totals

_UPTIME: Final = "SHOW GLOBAL STATUS LIKE 'Uptime'"


@dataclass(frozen=True)
class OfKafka:
    """Offsets of both topics, the next status message to index by partition, and the newest message of each topic."""

    topics: Topics
    indexed: Mapping[int, int]
    newest: Mapping[str, datetime | None]
    gaps: int = 0
    """Partitions whose next message to index is gone."""
    indexer_up: bool = True
    document_delays: Delays = field(default_factory=Delays)


@dataclass(frozen=True)
class OfMySql:
    """What load has counted and its progress, the newest rows by status, lease, users and the last proof."""

    totals: Totals
    progress: Mapping[int, tuple[int, int]]
    newest: Mapping[str, datetime | None]
    lease: lease.Row | None
    users: Mapping[str, Any] | None
    proven: tuple[datetime, int] | None
    started_at: datetime


@dataclass(frozen=True)
class OfElasticsearch:
    """The number of documents, and when the log of the newest one reached Kafka."""

    documents: int
    newest: datetime | None


@dataclass(frozen=True)
class OfFiles:
    """What files in the state folder say."""

    spaces: Mapping[str, int] = field(default_factory=dict)
    """Free bytes by disk."""
    refused: int = 0
    blocked: Mapping[str, int] = field(default_factory=dict)
    """Seconds by part of the stream."""
    programs: Mapping[str, Program] = field(default_factory=dict)
    """Of the embedded stack, by name."""


@dataclass(frozen=True)
class Facts:
    """All of it. None: the server did not answer."""

    kafka: OfKafka | None
    mysql: OfMySql | None
    elasticsearch: OfElasticsearch | None
    files: OfFiles
    answers: Mapping[str, float | None] = field(default_factory=dict)
    """Seconds that each server took, by server; None: it did not answer."""
    airflow: Mapping[str, bool] = field(default_factory=dict)
    """Whether each part of Airflow is healthy."""


def ask_kafka(consumer: Consumer, admin: AdminClient) -> OfKafka:
    """`consumer`: in the indexer's group. Raises KafkaException."""
    topics = hops.read_topics(consumer)
    return OfKafka(
        topics,
        hops.indexed(consumer, topics.status),
        {
            LOGS_TOPIC: way_sample.newest_message(admin, LOGS_TOPIC, list(topics.logs)),
            STATUS_TOPIC: way_sample.newest_message(admin, STATUS_TOPIC, list(topics.status)),
        },
        len(positions.find_gone(consumer)),
        group.trouble(admin, way_sample.SECONDS) is None,
        delays.together(delays.read(consumer, topics.status).values()),
    )


def ask_mysql(cursor: Any) -> OfMySql:
    """Raises mysql.connector.Error."""
    cursor.execute(_UPTIME)
    ((_, uptime),) = cursor.fetchall()
    return OfMySql(
        totals.read(cursor),
        hops.read_progress(cursor),
        way_sample.newest_rows(cursor),
        lease.read(cursor),
        way_sample.ask_users(cursor),
        way_sample.ask_reconciled(cursor),
        datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=int(uptime)),
    )


def ask_elasticsearch(client: Elasticsearch) -> OfElasticsearch:
    """Raises the client's errors."""
    found = way_sample.ask_elasticsearch(client)
    return OfElasticsearch(found["documents"], found["newest"]["Elasticsearch"])


class Files:
    """Reads the state folder. The dead letters are read again only after they have changed: they can be many."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._refused: tuple[object, int] = (None, 0)

    def ask(self) -> OfFiles:
        """What the files say now."""
        spaces = {self._disk(space): space.free for space in free_space.read(self._settings)}
        blocked = {part: standing.seconds for part, standing in troubles.read(self._settings.troubles).items()}
        return OfFiles(spaces, self._count_refused(), blocked, programs.read(self._settings.programs))

    def _disk(self, space: Space) -> str:
        return "servers" if space.folder == self._settings.outside else "state"

    def _count_refused(self) -> int:
        try:
            found = self._settings.dead_letters.stat()
            state: object = found.st_ino, found.st_mtime_ns, found.st_size
        except FileNotFoundError:
            state = None
        if state != self._refused[0]:
            self._refused = state, dead_letters.refused_count(self._settings)
        return self._refused[1] if state else 0
