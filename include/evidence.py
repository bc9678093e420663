"""What each hop holds of a range of one partition's origins, read for the proof. Errors of the clients are raised."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from confluent_kafka import Consumer, TopicPartition
from elasticsearch import Elasticsearch

from include.hops import SECONDS, read_status
from include.marks import is_correction
from include.names import INDEX, LOGS_DATABASE, LOGS_TOPIC, STATUS_TOPIC, TABLES, origin_of
from include.proof import BUCKET, CODES, Sums
from include.verdict_search import read

_MOST_DOCUMENTS: Final = 10_000
"""What Elasticsearch gives in one answer: twice a bucket, so documents that are doubled are seen too."""
# Inside a JSON string the quotes of such a text would be escaped, so this is the name in the message's own object.
_STATUS: Final = re.compile(rb'"status":"(\w+)"')
PARTITION: Final = "origin.kafka_partition"
OFFSET: Final = "origin.kafka_offset"

Say = Callable[[int], None]


@dataclass
class Verdicts:
    """The last verdict of each origin of a range: its code at offset - first, 0 for none.

    `before`: those of origins from `oldest` on before the range, which were judged again.
    """

    codes: np.ndarray
    messages: int = 0
    before: dict[int, int] = field(default_factory=dict)


def verdicts(
    consumer: Consumer,
    partition: int,
    status: tuple[int, int],
    origins: tuple[int, int],
    oldest: int,
    say: Say,
    foreign: Collection[int] = (),
) -> Verdicts:
    """Reads the messages [from, to) of a status partition; `say` is told how many after each piece.

    Of logs before the offset `oldest` nothing is kept. `foreign`: offsets of messages that are nobody's verdict.
    """
    (begin, end), (first, last) = status, origins
    found = Verdicts(np.zeros(max(last - first, 0), np.int8))
    codes, before = found.codes, found.before
    for messages in read_status(consumer, partition, begin, end):
        for message in messages:
            origin, word = origin_of(message.key()), _STATUS.search(message.value() or b"")
            if origin is None or word is None or origin[0] != partition or message.offset() in foreign:
                continue
            number, code = origin[1], CODES.get(word[1].decode(), 0)
            if first <= number < last:
                codes[number - first] = code
                found.messages += 1
            elif oldest <= number < first:
                before[number] = code
        say(len(messages))
    return found


def first_origin(
    consumer: Consumer, partition: int, status: tuple[int, int], foreign: Collection[int] = ()
) -> int | None:
    """The offset of the first log that the stream judged by the messages [from, to) of a status partition; None: none.

    A correction does not tell it, as that is of any log.
    """
    for message in read(consumer, STATUS_TOPIC, partition, *status):
        origin = origin_of(message.key())
        if origin and origin[0] == partition and not is_correction(message) and message.offset() not in foreign:
            return origin[1]
    return None


def not_there(consumer: Consumer, partition: int, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of these ascending offsets of server-logs: those that hold no record, and those that Kafka has removed.

    Behind the last of them there must be a record, or Kafka is waited for in vain: raises KafkaException then.
    """
    logs = TopicPartition(LOGS_TOPIC, partition)
    first, end = consumer.get_watermark_offsets(logs, timeout=SECONDS)
    begin, stop = max(first, int(offsets[0])), min(int(offsets[-1]) + 1, end)
    there = [message.offset() or 0 for message in read(consumer, LOGS_TOPIC, partition, begin, stop)]
    # Asked for again: what was removed meanwhile was not read.
    first, _ = consumer.get_watermark_offsets(logs, timeout=SECONDS)
    known = offsets[(offsets >= first) & (offsets < end)]
    return np.setdiff1d(known, there), offsets[offsets < first]


def row_sums(cursor: Any, partition: int, first: int, end: int) -> Sums:
    """Count and sums of each bucket and status in the three tables."""
    found: Sums = {}
    for status, table in TABLES.items():
        cursor.execute(
            f"SELECT kafka_offset DIV {BUCKET}, COUNT(*), SUM(kafka_offset MOD {BUCKET}),"  # noqa: S608
            f" SUM((kafka_offset MOD {BUCKET}) * (kafka_offset MOD {BUCKET})) FROM {LOGS_DATABASE}.{table}"
            " WHERE kafka_partition = %s AND kafka_offset >= %s AND kafka_offset < %s GROUP BY 1",
            (partition, first, end),
        )
        for bucket, *columns in cursor.fetchall():
            found[int(bucket), CODES[status]] = tuple(int(column) for column in columns)
    return found


def rows(cursor: Any, partition: int, first: int, end: int) -> list[tuple[int, int]]:
    """(offset, code) of every row; an origin that is in two tables comes twice."""
    found: list[tuple[int, int]] = []
    for status, table in TABLES.items():
        cursor.execute(
            f"SELECT kafka_offset FROM {LOGS_DATABASE}.{table}"  # noqa: S608
            " WHERE kafka_partition = %s AND kafka_offset >= %s AND kafka_offset < %s",
            (partition, first, end),
        )
        found += [(offset, CODES[status]) for (offset,) in cursor.fetchall()]
    return found


def first_row(cursor: Any, partition: int) -> int | None:
    """The lowest offset of a row; None where there is none."""
    found = []
    for table in TABLES.values():
        cursor.execute(
            f"SELECT kafka_offset FROM {LOGS_DATABASE}.{table}"  # noqa: S608
            " WHERE kafka_partition = %s AND kafka_offset >= 0 ORDER BY kafka_offset LIMIT 1",
            (partition,),
        )
        found += [offset for (offset,) in cursor.fetchall()]
    return min(found, default=None)


def rows_of_no_log(cursor: Any, ends: Mapping[int, int]) -> dict[int, np.ndarray]:
    """Offsets of rows by partition that no log can have: before 0, or at or behind `ends`, what was loaded."""
    found: dict[int, list[int]] = {}
    for table in TABLES.values():
        # Only the ends of the primary key are read, whatever the tables hold.
        cursor.execute(f"SELECT DISTINCT kafka_partition FROM {LOGS_DATABASE}.{table}")  # noqa: S608
        for (partition,) in cursor.fetchall():
            cursor.execute(
                f"SELECT kafka_offset FROM {LOGS_DATABASE}.{table} WHERE kafka_partition = %s AND kafka_offset < 0"  # noqa: S608
                f" UNION ALL SELECT kafka_offset FROM {LOGS_DATABASE}.{table}"
                " WHERE kafka_partition = %s AND kafka_offset >= %s",
                (partition, partition, ends.get(partition, 0)),
            )
            if offsets := [offset for (offset,) in cursor.fetchall()]:
                found.setdefault(partition, []).extend(offsets)
    return {partition: np.unique(offsets) for partition, offsets in found.items()}


def document_sums(client: Elasticsearch, partition: int, first: int, end: int) -> Sums:
    """Count and sum of each bucket and status in the index."""
    by_status = {"status": {"terms": {"field": "status"}, "aggs": {"sum": {"sum": {"field": OFFSET}}}}}
    by_bucket = {"histogram": {"field": OFFSET, "interval": BUCKET, "min_doc_count": 1}, "aggs": by_status}
    answer = client.search(index=INDEX, size=0, query=_range(partition, first, end), aggs={"bucket": by_bucket})
    found: Sums = {}
    for bucket in answer["aggregations"]["bucket"]["buckets"]:
        start = int(bucket["key"])
        for status in bucket["status"]["buckets"]:
            count = status["doc_count"]
            total = round(status["sum"]["value"]) - count * start
            found[start // BUCKET, CODES.get(status["key"], 0)] = (count, total)
    return found


def documents(client: Elasticsearch, partition: int, first: int, end: int) -> list[tuple[int, int]]:
    """(offset, code) of every document of a range of at most a bucket."""
    answer = client.search(
        index=INDEX,
        size=_MOST_DOCUMENTS,
        query=_range(partition, first, end),
        source=False,
        docvalue_fields=[{"field": OFFSET}, {"field": "status"}],
    )
    hits = (hit["fields"] for hit in answer["hits"]["hits"])
    return [(hit[OFFSET][0], CODES.get(hit.get("status", [""])[0], 0)) for hit in hits]


@dataclass(frozen=True)
class StrayDocument:
    """A document that no log has. `partition` and `offset` of its origin, -1 where it tells none; `seq_no` and `term`
    are to be named when it is deleted, so that one which has become a log's own meanwhile stays."""

    id: str
    partition: int
    offset: int
    seq_no: int
    term: int


def documents_of_no_log(client: Elasticsearch, ends: Callable[[], Mapping[int, int]]) -> list[StrayDocument]:
    """Those at or behind `ends()`, the ends of server-logs by partition, at most _MOST_DOCUMENTS.

    The ends are asked for again after the search: a log may have come, and be indexed, meanwhile.
    """
    answer = client.search(
        index=INDEX,
        size=_MOST_DOCUMENTS,
        query={"bool": {"must_not": [_range(partition, 0, end) for partition, end in ends().items()]}},
        source=False,
        docvalue_fields=[{"field": OFFSET}, {"field": PARTITION}],
        seq_no_primary_term=True,
    )
    found = [_stray(hit) for hit in answer["hits"]["hits"]]
    now = ends() if found else {}
    return [each for each in found if not 0 <= each.offset < now.get(each.partition, 0)]


def _stray(hit: Mapping[str, Any]) -> StrayDocument:
    fields = hit.get("fields", {})
    partition, offset = (fields.get(name, [-1])[0] for name in (PARTITION, OFFSET))
    return StrayDocument(hit["_id"], partition, offset, hit["_seq_no"], hit["_primary_term"])


def _range(partition: int, first: int, end: int) -> dict[str, Any]:
    of_partition = {"term": {PARTITION: partition}}
    return {"bool": {"filter": [of_partition, {"range": {OFFSET: {"gte": first, "lt": end}}}]}}
