"""Removes the documents of expired logs: hides them at once, and drops an index once all of its logs have expired.

Dropping an index takes an instant, however large it is, and deleting documents takes long. So expired documents of an
index that has others are only hidden, by a filter of the alias through which everyone reads. They are deleted, in
pieces, only if the indices together exceed their part of the disk. Client errors propagate.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

from elasticsearch import Elasticsearch

from include.names import DOCUMENT_OFFSET, DOCUMENT_PARTITION, INDEX, ODD_INDEX, day_index
from include.retention import fitting
from include.retention.disk_bounds import Bounds

PIECE: Final = 10_000
"""Documents per search and delete: Elasticsearch returns at most this many in one answer."""

Query = Mapping[str, Any]
Report = Callable[[str], None]


class DocumentsLeftError(RuntimeError):
    """Documents of expired logs were not removed."""


def remove(
    index: Elasticsearch,
    expired: Mapping[int, int],
    report: Report,
    bounds: Bounds | None = None,
    today: date | None = None,
) -> None:
    """Removes the documents of logs before the offsets `expired`, by partition; see `hops.read_expired`.

    `today`: by UTC. Each run repeats this: a log that was rejudged just before it expired can get a document later.
    Raises DocumentsLeftError.
    """
    aliases = _aliases(index)
    if not aliases or not expired:
        return
    index.indices.refresh(index=INDEX)
    dead: Query = {"bool": {"should": [_of(*each) for each in expired.items()], "minimum_should_match": 1}}
    living: Query = {"bool": {"must_not": [dead]}}
    remaining = others(expired)
    holding = sorted(name for name in aliases if _has(index, name, dead))
    _hide(index, [name for name in holding if aliases[name].get("filter") != living], living)
    over = day_index(today or datetime.now(UTC).date())
    for name in sorted(name for name in aliases if name < over and not _has(index, name, remaining)):
        if drop(index, name, remaining):
            report(f"{name} dropped: all of its logs have expired")
            holding = [each for each in holding if each != name]
    # Without a day that will be over, the odd index is never dropped; usually it is empty.
    must_go = holding if bounds and _size(index) > bounds.documents else [name for name in holding if name == ODD_INDEX]
    for name in must_go:
        _delete(index, name, dead, report)


def others(expired: Mapping[int, int]) -> Query:
    """Returns the query for all documents but those of expired logs: the same as excluding these. Pure.

    Elasticsearch finds out by its index that there is none; to exclude, it would go through all expired documents.
    """
    numbers = sorted(expired)
    between = [{"gt": below} for below in numbers]
    for bound, above in zip(between, numbers[1:], strict=False):
        bound["lt"] = above
    found: list[Query] = [
        *(_of(number, None, begin) for number, begin in expired.items()),
        *({"range": {DOCUMENT_PARTITION: bound}} for bound in [{"lt": numbers[0]}, *between]),
        {"range": {DOCUMENT_OFFSET: {"lt": 0}}},
        *({"bool": {"must_not": [{"exists": {"field": name}}]}} for name in (DOCUMENT_PARTITION, DOCUMENT_OFFSET)),
    ]
    return {"bool": {"should": found, "minimum_should_match": 1}}


def count(index: Elasticsearch, partition: int, before: int) -> int:
    """Returns the number of documents of a partition's logs before the offset that are not hidden."""
    return int(index.count(index=INDEX, query=_of(partition, before))["count"])


def _aliases(index: Elasticsearch) -> dict[str, dict[str, Any]]:
    """Returns the properties of the alias by index."""
    found = index.options(ignore_status=404).indices.get_alias(index=INDEX).body
    if INDEX in found:
        raise DocumentsLeftError(
            f"{INDEX} is an index of an earlier version: ./logsieve airflow dags trigger bootstrap takes it over"
        )
    return {} if "error" in found else {name: each["aliases"].get(INDEX, {}) for name, each in found.items()}


def _has(index: Elasticsearch, name: str, query: Query) -> bool:
    answer = index.search(index=name, query=query, size=1, source=False, terminate_after=1, track_total_hits=False)
    return bool(answer["hits"]["hits"])


def _hide(index: Elasticsearch, names: list[str], living: Query) -> None:
    if names:
        change = [{"add": {"index": name, "alias": INDEX, "filter": living}} for name in names]
        index.indices.update_aliases(actions=change)


def drop(index: Elasticsearch, name: str, living: Query) -> bool:
    """Drops the index unless it has a document that is `living`, as one may have come meanwhile; returns whether."""
    with _blocked(index, name):
        index.indices.refresh(index=name)
        if _has(index, name, living):
            return False
        index.indices.delete(index=name)
        return True


@contextmanager
def _blocked(index: Elasticsearch, name: str) -> Iterator[None]:
    """Has the indexer wait, whose documents could come between a check and what follows from it."""
    index.indices.add_block(index=name, block="write")
    try:
        yield
    finally:
        index.options(ignore_status=404).indices.put_settings(index=name, settings={"index.blocks.write": None})


def _size(index: Elasticsearch) -> float:
    """Returns the bytes of all documents that were not deleted, hidden ones included."""
    documents = index.indices.stats(index=INDEX, metric="docs")["_all"]["primaries"]["docs"]["count"]
    return float(documents * (fitting.document_bytes(index) or 0))


def _delete(index: Elasticsearch, name: str, dead: Query, report: Report) -> None:
    deleted, total = 0, int(index.count(index=name, query=dead)["count"])
    while deleted < total:
        found = index.search(index=name, size=PIECE, query=dead, source=False, sort="_doc")
        ids = [hit["_id"] for hit in found["hits"]["hits"]]
        if not ids:
            break
        _delete_piece(index, name, ids)
        deleted += len(ids)
        report(f"{name}: {deleted:,} of {total:,} expired documents deleted")


def _delete_piece(index: Elasticsearch, name: str, ids: list[str]) -> None:
    # The embedded Elasticsearch has no delete by query.
    operations = [{"delete": {"_id": each}} for each in ids]
    answer = index.bulk(index=name, operations=operations, refresh=True, filter_path="errors,items.*.error")
    if answer["errors"]:
        errors = [item["delete"]["error"] for item in answer["items"] if "error" in item.get("delete", {})]
        raise DocumentsLeftError(
            f"Elasticsearch did not delete {len(errors)} documents of expired logs: {errors[0]['reason']}."
            " The next run of expire_logs tries again"
        )


def _of(partition: int, before: int | None, begin: int = 0) -> dict[str, Any]:
    offsets = {"gte": begin} if before is None else {"gte": begin, "lt": before}
    return {"bool": {"filter": [{"term": {DOCUMENT_PARTITION: partition}}, {"range": {DOCUMENT_OFFSET: offsets}}]}}
