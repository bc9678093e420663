"""Counts logs over time in Elasticsearch, with the top reasons, countries, devices and accounts."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from elasticsearch import ApiError, Elasticsearch

from include.names import INDEX, STATUSES, SUSPICIOUS
from include.page.counts import Part, Span, TakesLongError
from include.page.filters import Filters

SECONDS: Final = 3
"""How long Elasticsearch may take for one batch of parts; it aborts the search itself a little sooner."""
ALL_SECONDS: Final = 6
"""After this time no further parts are requested."""
AT_ONCE: Final = 12
"""Parts per request."""
SEEN_TWICE: Final = 10_000
"""Changes checked twice: concurrent requests may become visible in another order than they began."""
_SIZES: Final = {"reasons": 100, "countries": 300, "devices": 300, "accounts": 500}
"""Terms counted per part; rarer ones are missing from the tops."""
_FIELDS: Final = {"reasons": "reasons", "countries": "location_country", "devices": "device", "accounts": "account_id"}


class SearchSource:
    """A Source of summaries; `client` returns the client, `note` gets the milliseconds that each request took.

    Its methods raise elastic_transport.TransportError and elasticsearch.ApiError, `read` also TakesLongError.
    """

    kept_seconds = 3600.0
    """Because `changed` does not detect removed documents."""

    def __init__(self, client: Callable[[], Elasticsearch], note: Callable[[int], None] = lambda took: None) -> None:
        self._client, self._note = client, note

    def read(self, filters: Filters, spans: Sequence[Span]) -> Iterator[Part]:
        """Reads the spans with one search per AT_ONCE parts."""
        until = time.monotonic() + ALL_SECONDS
        client = self._client().options(request_timeout=SECONDS, ignore_status=404)
        for first in range(0, len(spans), AT_ONCE):
            if time.monotonic() > until:
                raise TakesLongError("Elasticsearch")
            some = spans[first : first + AT_ONCE]
            answer = client.search(index=INDEX, **body(filters, some))
            if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
                # Partial counts would look like fewer logs.
                raise ApiError("only a part was counted", answer.meta, answer.body)
            self._note(answer.get("took", 0))
            yield from parts(answer.body, len(some))

    def changed(self, since: int | None, before: int, length: int) -> tuple[int | None, set[int]]:
        """Detects changes by the sequence number of each change to a document; a correction has a new one."""
        last: dict[str, Any] = {"last": {"max": {"field": "_seq_no"}}}
        asked: dict[str, Any] = {"size": 0, "track_total_hits": False, "aggs": last}
        if since is not None:
            time = {"field": "received_at", "fixed_interval": f"{length}ms", "min_doc_count": 1}
            earlier = {"range": {"received_at": {"lt": before, "format": "epoch_millis"}}}
            asked["query"] = {"bool": {"filter": [{"range": {"_seq_no": {"gt": since - SEEN_TWICE}}}]}}
            asked["aggs"] = last | {"earlier": {"filter": earlier, "aggs": {"time": {"date_histogram": time}}}}
        client = self._client().options(request_timeout=SECONDS, ignore_status=404)
        answer = client.search(index=INDEX, **asked)
        self._note(answer.get("took", 0))
        found = answer.get("aggregations", {})
        newest = found.get("last", {}).get("value")
        buckets = found.get("earlier", {}).get("time", {}).get("buckets", [])
        return since if newest is None else int(newest), {bucket["key"] for bucket in buckets}


def runs(spans: Sequence[Span]) -> list[list[Span]]:
    """The spans in order, grouped by runs without gaps. Pure."""
    found: list[list[Span]] = []
    for span in spans:
        if found and found[-1][-1][1] == span[0]:
            found[-1].append(span)
        else:
            found.append([span])
    return found


def body(filters: Filters, spans: Sequence[Span]) -> dict[str, Any]:
    """The search request for these spans, in order. Pure."""
    received = [
        {"range": {"received_at": {"gte": run[0][0], "lt": run[-1][1], "format": "epoch_millis"}}}
        for run in runs(spans)
    ]
    ranges = [{"from": begin, "to": end} for begin, end in spans]
    over_time = {"field": "received_at", "fixed_interval": f"{filters.bucket_seconds}s", "min_doc_count": 1}
    # The lists are of suspicious logs unless the user has chosen statuses.
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
                    "reasons": {"terms": _terms("reasons")},
                    "looked_for": {
                        "filter": looked_for,
                        "aggs": {name: {"terms": _terms(name)} for name in ("countries", "devices", "accounts")},
                    },
                },
            }
        },
    }


def parts(answer: dict[str, Any], count: int) -> list[Part]:
    """The result of one search: a part for each of its `count` spans. Pure."""
    # Without an index there are no logs yet.
    buckets = answer.get("aggregations", {}).get("parts", {}).get("buckets", [{}] * count)
    return [_part(bucket) for bucket in buckets]


def _part(aggregations: dict[str, Any]) -> Part:
    found = Part()
    for status in aggregations.get("status", {}).get("buckets", []):
        for bucket in status["time"]["buckets"]:
            found.buckets.setdefault(bucket["key"], [0] * len(STATUSES))[STATUSES.index(status["key"])] = bucket[
                "doc_count"
            ]
    for name in _FIELDS:
        place = aggregations if name == "reasons" else aggregations.get("looked_for", {})
        buckets = place.get(name, {}).get("buckets", [])
        found.tops[name] = Counter({bucket["key"]: bucket["doc_count"] for bucket in buckets})
    return found


def _terms(name: str) -> dict[str, Any]:
    return {"field": _FIELDS[name], "size": _SIZES[name]}
