"""Reads the documents of a range of one partition's origins for the proof. Client errors propagate.

A document belongs to a log if its id and its `origin` are both the log's origin. If a log has two, in different
indices, the one in the index of its day is the log's. Every other document is a stray.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from typing import Any, Final
from zlib import crc32

import numpy as np
from elasticsearch import Elasticsearch

from include.names import DOCUMENT_OFFSET, DOCUMENT_PARTITION, INDEX, day_index, origin_key, origin_of
from include.proof.contents import ORIGIN, as_it_is, document_text, is_of
from include.proof.report import DOCUMENT_OF_NO_LOG, OTHER_ID, SECOND, WITHOUT_ORIGIN, Stray

_MOST_DOCUMENTS: Final = 10_000
"""Most documents in one answer of Elasticsearch. This is twice a bucket, so duplicates are found too."""

Hit = Mapping[str, Any]


def same(
    client: Elasticsearch, partition: int, first: int, codes: np.ndarray, checksums: np.ndarray
) -> tuple[int, bool]:
    """Compares the documents of the origins first, first + 1, … with the verdicts that have these codes and checksums.

    Returns the number of documents, and whether they match the verdicts exactly.
    """
    hits = _hits(client, partition, first, first + len(codes))
    judged = np.flatnonzero(codes)
    ids = [origin_key(partition, first + number) for number in judged.tolist()]
    if [hit["_id"] for hit in hits] != ids:
        return len(hits), False
    expected, records = checksums[judged].tolist(), [hit.get("_source", {}) for hit in hits]
    # The indexer keeps the order of the fields, so comparing without reordering usually suffices.
    return len(hits), any([crc32(text(each)) for each in records] == expected for text in (as_it_is, document_text))


def documents(
    client: Elasticsearch, partition: int, first: int, end: int
) -> tuple[list[tuple[int, dict[str, Any]]], list[Stray]]:
    """Returns offset and record of every document that belongs to a log of the range, and the strays in the range."""
    own: dict[int, Hit] = {}
    strays = []
    for hit in sorted(_all_hits(client, partition, first, end), key=_is_away):
        origin = origin_of(hit["_id"].encode())
        if not (origin and is_of(hit.get("_source", {}), hit["_id"])):
            strays.append(_stray(hit, partition, OTHER_ID))
        elif origin[1] in own:
            strays.append(_stray(hit, partition, SECOND))
        else:
            own[origin[1]] = hit
    return [(offset, hit["_source"]) for offset, hit in own.items()], strays


def with_id(client: Elasticsearch, key: str) -> dict[str, Any] | None:
    """Returns the record of the document with this id, if there are two that in the index of its day; None if none.

    A document is found a second after it was written.
    """
    answer = client.options(ignore_status=404).search(index=INDEX, query={"ids": {"values": [key]}})
    hits = sorted(answer.get("hits", {}).get("hits", []), key=_is_away)
    return hits[0]["_source"] if hits else None


def _is_away(hit: Hit) -> bool:
    """Whether the document is in another index than that of its day."""
    with suppress(TypeError, ValueError):
        return str(hit["_index"]) != day_index(date.fromisoformat(hit["_source"].get("received_at")[:10]))
    return True


def documents_of_no_log(client: Elasticsearch, ends: Callable[[], Mapping[int, int]]) -> list[Stray]:
    """Returns documents without an origin, or at or after the end of server-logs; at most _MOST_DOCUMENTS.

    `ends` returns the ends by partition. It is called again after the search, since logs can be indexed meanwhile.
    """
    answer = client.search(
        index=INDEX,
        size=_MOST_DOCUMENTS,
        query={"bool": {"must_not": [_range(partition, 0, end) for partition, end in ends().items()]}},
        source={"includes": ["origin"]},
        seq_no_primary_term=True,
        docvalue_fields=[{"field": DOCUMENT_OFFSET}, {"field": DOCUMENT_PARTITION}],
    )
    found: list[Stray] = []
    now = ends() if answer["hits"]["hits"] else {}
    for hit in answer["hits"]["hits"]:
        fields = hit.get("fields", {})
        if DOCUMENT_PARTITION not in fields or DOCUMENT_OFFSET not in fields:
            found.append(_stray(hit, None, WITHOUT_ORIGIN))
        elif not 0 <= fields[DOCUMENT_OFFSET][0] < now.get(fields[DOCUMENT_PARTITION][0], 0):
            found.append(_stray(hit, fields[DOCUMENT_PARTITION][0], DOCUMENT_OF_NO_LOG))
    return found


def delete(client: Elasticsearch, strays: list[Stray]) -> None:
    """Deletes strays, except those that were overwritten meanwhile: their version has changed, so they stay."""
    operations = [
        {
            "delete": {
                "_index": each.index,
                "_id": each.id,
                "if_seq_no": each.seq_no,
                "if_primary_term": each.term,
            }
        }
        for each in strays
    ]
    if operations:
        client.bulk(operations=operations, refresh=True, filter_path="errors")


def _stray(hit: Hit, partition: int | None, kind: str) -> Stray:
    origin = hit.get("_source", {}).get("origin")
    found = [origin.get(name) if isinstance(origin, dict) else None for name in ORIGIN]
    return Stray(
        hit["_id"],
        hit["_index"],
        kind,
        partition,
        None if None in found else "-".join(map(str, found)),
        hit["_seq_no"],
        hit["_primary_term"],
    )


def _all_hits(client: Elasticsearch, partition: int, first: int, end: int) -> Iterator[Hit]:
    """Yields every document, even if many have the same origin."""
    hits = _hits(client, partition, first, end, seq_no_primary_term=True)
    if len(hits) < _MOST_DOCUMENTS or end - first == 1:
        yield from hits
    else:
        middle = (first + end) // 2
        yield from _all_hits(client, partition, first, middle)
        yield from _all_hits(client, partition, middle, end)


def _hits(client: Elasticsearch, partition: int, first: int, end: int, **more: Any) -> list[Hit]:
    answer = client.search(
        index=INDEX,
        size=_MOST_DOCUMENTS,
        query=_range(partition, first, end),
        sort=[{DOCUMENT_OFFSET: "asc"}],
        track_total_hits=False,
        **more,
    )
    hits: list[Hit] = answer["hits"]["hits"]
    return hits


def _range(partition: int, first: int, end: int) -> dict[str, Any]:
    of_partition = {"term": {DOCUMENT_PARTITION: partition}}
    return {"bool": {"filter": [of_partition, {"range": {DOCUMENT_OFFSET: {"gte": first, "lt": end}}}]}}
