"""The newest logs that pass the filters, page by page, from Elasticsearch."""

import base64
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from elasticsearch import Elasticsearch

from include import names
from include.contract.model import Contract
from include.page import fields, values
from include.page.filters import Filters, milliseconds
from include.topics import times

SECONDS: Final = 3
SHARES: Final = (256, 16, 1)
"""Divisors of the range: its newest part is searched first, because sorting a week of logs is slow."""
RAW_BYTES: Final = 400
"""Bytes of a log shown in the list."""
SHORTEST_BEGINNING: Final = 3
"""A word of at least this length also finds texts that begin with it."""
_CURSOR: Final = re.compile(r"(\d{1,15})-(\d{1,10})-(\d{1,19})", re.ASCII)


@dataclass(frozen=True)
class Place:
    """Position of a page's end: its last log."""

    received_at: int
    """Milliseconds since 1970."""
    partition: int
    offset: int

    @classmethod
    def of(cls, text: str) -> "Place | None":
        """Parses the output of `str`; None for any other text, and for a place that no log can have."""
        found = _CURSOR.fullmatch(text)
        if found is None:
            return None
        place = cls(*map(int, found.groups()))
        can_be = place.received_at <= times.LATEST and names.is_origin(place.partition, place.offset)
        return place if can_be else None

    @classmethod
    def at(cls, received_at: datetime, partition: int, offset: int) -> "Place":
        """The position of a log."""
        return cls(milliseconds(received_at), partition, offset)

    def __str__(self) -> str:
        return f"{self.received_at}-{self.partition}-{self.offset}"


def body(contract: Contract, filters: Filters, word: str, size: int, before: Place | None) -> dict[str, Any]:
    """The search for one page plus one log, which shows whether there is a next page. Pure.

    `word`: an origin, or what `fields.sought` may be; empty: any log.
    """
    received = {"gte": milliseconds(filters.begin), "lt": milliseconds(filters.end), "format": "epoch_millis"}
    clauses = [{"range": {"received_at": received}}, *filters.clauses()]
    if word:
        meanings = _meanings(contract, word) or [{"match_none": {}}]
        clauses.append({"bool": {"should": meanings, "minimum_should_match": 1}})
    if names.origin_of(word.encode()):
        clauses = [{"ids": {"values": [word]}}]  # an origin finds its log regardless of all filters
    made: dict[str, Any] = {
        "size": size + 1,
        "track_total_hits": False,
        "query": {"bool": {"filter": clauses}},
        "sort": [
            {"received_at": {"order": "desc", "format": "epoch_millis"}},
            {"origin.kafka_partition": "desc"},
            {"origin.kafka_offset": "desc"},
        ],
    }
    if before:
        made["search_after"] = [before.received_at, before.partition, before.offset]
    return made


def _meanings(contract: Contract, word: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for field in fields.sought(contract):
        with suppress(values.WrongValueError):
            found.append({"term": {field.name: values.parse(field, word)}})
        if field.type == "text" and len(word) >= SHORTEST_BEGINNING:
            found.append({"prefix": {field.name: word}})
    return found


def read(
    client: Elasticsearch,
    contract: Contract,
    filters: Filters,
    word: str,
    size: int,
    before: Place | None,
    note: Callable[[int], None] = lambda took: None,
) -> list[dict[str, Any]]:
    """Up to size + 1 logs, newest first, see `row`. Raises the client's errors.

    `note` is called with the milliseconds that each request took.
    """
    asked = client.options(request_timeout=SECONDS, ignore_status=404)
    for share in SHARES:
        answer = asked.search(index=names.INDEX, **body(contract, newest(filters, before, share), word, size, before))
        note(answer.get("took", 0))
        hits = answer.get("hits", {}).get("hits", [])
        if len(hits) > size or names.origin_of(word.encode()):  # an origin is found regardless of the range
            break
    return [row(contract, hit["_source"]) for hit in hits]


def newest(filters: Filters, before: Place | None, share: int) -> Filters:
    """The filters limited to the newest part of their range, or of the part before the position. Pure."""
    if before is None:
        return replace(filters, begin=filters.end - (filters.end - filters.begin) / share)
    end = times.utc(before.received_at)
    return replace(filters, begin=max(filters.begin, end - (filters.end - filters.begin) / share))


def row(contract: Contract, source: dict[str, Any]) -> dict[str, Any]:
    """One log of the list: origin, received_at, the contract's fields, status, reasons, raw (base64, its first
    RAW_BYTES; only for bad logs, else null) and raw_size. Pure."""
    raw = source.get("raw")
    return {
        "origin": names.origin_key(source["origin"]["kafka_partition"], source["origin"]["kafka_offset"]),
        "received_at": source["received_at"],
        **{field.name: values.of_document(field, source.get(field.name)) for field in contract.fields},
        **{name: source.get(name) for name in ("status", "reasons")},
        "raw": None if raw is None else beginning(base64.b64decode(raw)),
        "raw_size": source.get("raw_size"),
    }


def beginning(raw: bytes) -> str:
    """The first RAW_BYTES as base64."""
    return base64.b64encode(raw[:RAW_BYTES]).decode()
