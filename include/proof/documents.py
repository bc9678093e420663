"""What the index holds of a range of one partition's origins, read for the proof. Errors of the client are raised.

A document is a log's own when its id and the origin in it are the log's; every other one is a stray.
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
"""What Elasticsearch gives in one answer: twice a bucket, so documents that are doubled are seen too."""

Hit = Mapping[str, Any]


def same(
    client: Elasticsearch, partition: int, first: int, codes: np.ndarray, checksums: np.ndarray
) -> tuple[int, bool]:
    """How many documents there are of the origins first, first + 1, …, and whether they are just those, and say just
    what the verdicts with these codes and checksums say."""
    hits = _hits(client, partition, first, first + len(codes))
    judged = np.flatnonzero(codes)
    ids = [origin_key(partition, first + number) for number in judged.tolist()]
    if [hit["_id"] for hit in hits] != ids:
        return len(hits), False
    expected, records = checksums[judged].tolist(), [hit.get("_source", {}) for hit in hits]
    # The indexer leaves the fields in their order, so they are mostly put into it for nothing.
    return len(hits), any([crc32(text(each)) for each in records] == expected for text in (as_it_is, document_text))


def documents(
    client: Elasticsearch, partition: int, first: int, end: int
) -> tuple[list[tuple[int, dict[str, Any]]], list[Stray]]:
    """Offset and record of every log's own document of a range, and the strays in it."""
    own, strays = [], []
    for hit in _all_hits(client, partition, first, end):
        origin, record = origin_of(hit["_id"].encode()), hit.get("_source", {})
        if origin and is_of(record, hit["_id"]):
            own.append((origin[1], record))
        else:
            strays.append(_stray(hit, partition, OTHER_ID))
    return own, strays


def documents_of_no_log(client: Elasticsearch, ends: Callable[[], Mapping[int, int]]) -> list[Stray]:
    """Those without an origin, or at or behind `ends()`, the ends of server-logs by partition; at most _MOST_DOCUMENTS.

    The ends are asked for again after the search: a log may have come, and be indexed, meanwhile.
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
    """Removes them; one that was written meanwhile, as it has become a log's own, is another version, and stays."""
    at = [{"_id": each.id, "if_seq_no": each.seq_no, "if_primary_term": each.term} for each in strays]
    if at:
        client.bulk(index=INDEX, operations=[{"delete": each} for each in at], refresh=True, filter_path="errors")


def _stray(hit: Hit, partition: int | None, kind: str) -> Stray:
    origin = hit.get("_source", {}).get("origin")
    said = [origin.get(name) if isinstance(origin, dict) else None for name in ORIGIN]
    return Stray(
        hit["_id"],
        kind,
        partition,
        None if None in said else "-".join(map(str, said)),
        hit["_seq_no"],
        hit["_primary_term"],
    )


def _all_hits(client: Elasticsearch, partition: int, first: int, end: int) -> Iterator[Hit]:
    """Every document, however many have the same origins."""
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
