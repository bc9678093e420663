"""Counts logs over time in Elasticsearch, with the top reasons and the top values of the fields that are listed."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from elasticsearch import ApiError, Elasticsearch

from include.contract.model import Contract, Field
from include.names import INDEX, STATUSES, SUSPICIOUS
from include.page import fields, values
from include.page.counts import Part, Span, TakesLongError
from include.page.filters import Filters

SECONDS: Final = 3
"""How long Elasticsearch may take for one batch of parts; it aborts the search itself a little sooner."""
ALL_SECONDS: Final = 6
"""After this time no further parts are requested."""
AT_ONCE: Final = 12
"""Parts per request."""
SEEN_SECONDS: Final = 10
UNSEEN: Final = 20_000
"""A change becomes visible up to a second after it was made, or later under load."""
_REASONS: Final = 100
_OF_TOPS: Final = 300
_OF_OTHERS: Final = 500
"""Terms counted per part; rarer ones are missing from the tops. What is only a filter may have more values."""
_OF_ALL: Final = 4000
"""Terms counted per part of all fields together: Elasticsearch answers at most 65,536 buckets, for AT_ONCE parts."""

Changes = list[tuple[float, dict[str, list[int]]]]
"""Sequence numbers of the shards by index, and the time by the monotonic clock; the oldest first."""


class SearchSource:
    """A Source of summaries; `client` returns the client, `note` gets the milliseconds that each request took.

    Its methods raise elastic_transport.TransportError and elasticsearch.ApiError, `read` also TakesLongError.
    """

    kept_seconds = 3600.0
    """Because `changed` does not detect removed documents."""

    def __init__(
        self, contract: Contract, client: Callable[[], Elasticsearch], note: Callable[[int], None] = lambda took: None
    ) -> None:
        self._contract, self._client, self._note = contract, client, note

    def read(self, filters: Filters, spans: Sequence[Span]) -> Iterator[Part]:
        """Reads the spans with one search per AT_ONCE parts."""
        until = time.monotonic() + ALL_SECONDS
        client = self._client().options(request_timeout=SECONDS, ignore_status=404)
        for first in range(0, len(spans), AT_ONCE):
            if time.monotonic() > until:
                raise TakesLongError("Elasticsearch")
            some = spans[first : first + AT_ONCE]
            answer = client.search(index=INDEX, **body(self._contract, filters, some))
            if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
                # Partial counts would look like fewer logs.
                raise ApiError("only a part was counted", answer.meta, answer.body)
            self._note(answer.get("took", 0))
            yield from parts(self._contract, answer.body, len(some))

    def changed(self, since: Changes | None, before: int, length: int) -> tuple[Changes, set[int]]:
        """Detects changes by the sequence number of each change to a document; a correction has a new one.

        Each index counts its own, see `bounds`.
        """
        client = self._client().options(request_timeout=SECONDS, ignore_status=404)
        noted, grown = bounds(since, time.monotonic(), _sequence_numbers(client))
        if not grown:
            return noted, set()
        over_time = {"field": "received_at", "fixed_interval": f"{length}ms", "min_doc_count": 1}
        answer = client.search(
            index=INDEX,
            size=0,
            track_total_hits=False,
            query={
                "bool": {
                    "filter": [{"range": {"received_at": {"lt": before, "format": "epoch_millis"}}}],
                    "should": [
                        {"bool": {"filter": [{"term": {"_index": index}}, {"range": {"_seq_no": {"gt": number}}}]}}
                        for index, number in grown.items()
                    ],
                    "minimum_should_match": 1,
                }
            },
            aggs={"time": {"date_histogram": over_time}},
        )
        self._note(answer.get("took", 0))
        buckets = answer.get("aggregations", {}).get("time", {}).get("buckets", [])
        return noted, {bucket["key"] for bucket in buckets}


def bounds(since: Changes | None, at: float, new: dict[str, list[int]]) -> tuple[Changes, dict[str, int]]:
    """Returns what to note, and by each index with changes the sequence number that all of them are above. Pure.

    A change is visible later than its number, so those of the SEEN_SECONDS before the last call are returned again, and
    at the second call the last UNSEEN of each index.
    """
    if since is None:
        return [(at, {index: [each - UNSEEN for each in numbers] for index, numbers in new.items()}), (at, new)], {}
    noted = list(since)
    while len(noted) > 1 and noted[1][0] < noted[-1][0] - SEEN_SECONDS:
        del noted[0]
    old = noted[0][1]
    # Shards count separately, and a document does not tell its shard: the least advanced one sets the bound.
    grown = {index: min(old.get(index, [-1])) for index, numbers in new.items() if numbers != old.get(index)}
    return [*noted, (at, new)], grown


def _sequence_numbers(client: Elasticsearch) -> dict[str, list[int]]:
    """The last sequence number of each shard, by index."""
    shards = client.indices.stats(
        index=INDEX, metric="docs", level="shards", filter_path="indices.*.shards.*.seq_no.max_seq_no"
    )
    return {
        name: [max(copy["seq_no"]["max_seq_no"] for copy in copies) for _, copies in sorted(index["shards"].items())]
        for name, index in shards.get("indices", {}).items()
    }


def runs(spans: Sequence[Span]) -> list[list[Span]]:
    """The spans in order, grouped by runs without gaps. Pure."""
    found: list[list[Span]] = []
    for span in spans:
        if found and found[-1][-1][1] == span[0]:
            found[-1].append(span)
        else:
            found.append([span])
    return found


def body(contract: Contract, filters: Filters, spans: Sequence[Span]) -> dict[str, Any]:
    """The search request for these spans, in order. Pure."""
    received = [
        {"range": {"received_at": {"gte": run[0][0], "lt": run[-1][1], "format": "epoch_millis"}}}
        for run in runs(spans)
    ]
    ranges = [{"from": begin, "to": end} for begin, end in spans]
    over_time = {"field": "received_at", "fixed_interval": f"{filters.bucket_seconds}s", "min_doc_count": 1}
    # The lists are of suspicious logs unless the user has chosen statuses.
    of_fields = {field.name: {"terms": _terms(contract, field)} for field in fields.listed(contract)}
    looked_for = {"match_all": {}} if filters.statuses else {"term": {"status": SUSPICIOUS}}
    return {
        "size": 0,
        "track_total_hits": False,
        "timeout": f"{SECONDS - 1}s",
        "query": {"bool": {"filter": filters.clauses(), "should": received, "minimum_should_match": 1}},
        "aggs": {
            "parts": {
                "date_range": {"field": "received_at", "format": "epoch_millis", "ranges": ranges},
                "aggs": {
                    "status": {"terms": {"field": "status"}, "aggs": {"time": {"date_histogram": over_time}}},
                    "reasons": {"terms": {"field": "reasons", "size": _REASONS}},
                    **({"looked_for": {"filter": looked_for, "aggs": of_fields}} if of_fields else {}),
                },
            }
        },
    }


def parts(contract: Contract, answer: dict[str, Any], count: int) -> list[Part]:
    """The result of one search: a part for each of its `count` spans. Pure."""
    # Without an index there are no logs yet.
    buckets = answer.get("aggregations", {}).get("parts", {}).get("buckets", [{}] * count)
    return [_part(contract, bucket) for bucket in buckets]


def _part(contract: Contract, aggregations: dict[str, Any]) -> Part:
    found = Part()
    for status in aggregations.get("status", {}).get("buckets", []):
        for bucket in status["time"]["buckets"]:
            found.buckets.setdefault(bucket["key"], [0] * len(STATUSES))[STATUSES.index(status["key"])] = bucket[
                "doc_count"
            ]
    reasons = aggregations.get("reasons", {}).get("buckets", [])
    found.tops["reasons"] = Counter({bucket["key"]: bucket["doc_count"] for bucket in reasons})
    for field in fields.listed(contract):
        buckets = aggregations.get("looked_for", {}).get(field.name, {}).get("buckets", [])
        found.tops[field.name] = Counter({values.of_bucket(field, each): each["doc_count"] for each in buckets})
    return found


def _terms(contract: Contract, field: Field) -> dict[str, Any]:
    size = _OF_TOPS if field.name in contract.roles.tops else _OF_OTHERS
    return {"field": field.name, "size": min(size, _OF_ALL // len(fields.listed(contract)))}
