"""Reads the documents of a range of one partition's origins for the proof. Client errors propagate.

A document belongs to a log if its id and its `origin` are both the log's origin. Every other document is a stray.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from zlib import crc32

import numpy as np
from elasticsearch import Elasticsearch

from include.names import DOCUMENT_OFFSET, DOCUMENT_PARTITION, INDEX, origin_key, origin_of
from include.proof.contents import ORIGIN, as_it_is, document_text, is_of
from include.proof.report import DOCUMENT_OF_NO_LOG, OTHER_ID, WITHOUT_ORIGIN, Stray

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
    own, strays = [], []
    for hit in _all_hits(client, partition, first, end):
        origin, record = origin_of(hit["_id"].encode()), hit.get("_source", {})
        if origin and is_of(record, hit["_id"]):
            own.append((origin[1], record))
        else:
            strays.append(_stray(hit, partition, OTHER_ID))
    return own, strays


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
    at = [{"_id": each.id, "if_seq_no": each.seq_no, "if_primary_term": each.term} for each in strays]
    if at:
        client.bulk(index=INDEX, operations=[{"delete": each} for each in at], refresh=True, filter_path="errors")


def _stray(hit: Hit, partition: int | None, kind: str) -> Stray:
    origin = hit.get("_source", {}).get("origin")
    found = [origin.get(name) if isinstance(origin, dict) else None for name in ORIGIN]
    return Stray(
        hit["_id"],
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
