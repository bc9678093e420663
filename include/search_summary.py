"""Counts logs over time in Elasticsearch, with the top reasons, countries, devices and accounts."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from elasticsearch import ApiError, Elasticsearch

from include.log_filters import Filters
from include.names import INDEX, STATUSES, SUSPICIOUS
from include.summary import Part, Read, Span, TakesLongError

SECONDS: Final = 3
"""How long Elasticsearch may take for some parts; it gives up by itself a little sooner."""
ALL_SECONDS: Final = 6
"""After so long no further parts are asked for."""
AT_ONCE: Final = 6
"""Parts asked for at once."""
_SIZES: Final = {"reasons": 100, "countries": 300, "devices": 300, "accounts": 1000}
"""Terms of a part that are counted; what is rarer within it is left out of the tops."""
_FIELDS: Final = {"reasons": "reasons", "countries": "location_country", "devices": "device", "accounts": "account_id"}


def reader(client: Elasticsearch, note: Callable[[int], None] = lambda took: None) -> Read:
    """Reads parts, a search each, some at once. `note` is told the milliseconds that these took.

    Reading raises TakesLongError, elastic_transport.TransportError and elasticsearch.ApiError.
    """

    def read(filters: Filters, spans: Sequence[Span]) -> Iterator[Part]:
        until = time.monotonic() + ALL_SECONDS
        for first in range(0, len(spans), AT_ONCE):
            if time.monotonic() > until:
                raise TakesLongError("Elasticsearch")
            some = spans[first : first + AT_ONCE]
            searches = [each for span in some for each in ({"index": INDEX}, body(filters, span))]
            answer = client.options(request_timeout=SECONDS).msearch(searches=searches)
            note(answer["took"])
            yield from map(part, map(_whole, answer["responses"]))

    return read


def body(filters: Filters, span: Span) -> dict[str, Any]:
    """The search for one part. Pure."""
    received = {"gte": span[0], "lt": span[1], "format": "epoch_millis"}
    over_time = {"field": "received_at", "fixed_interval": f"{filters.bucket_seconds}s", "min_doc_count": 1}
    # What is looked for here is what is suspicious, unless somebody asks for another status.
    looked_for = {"match_all": {}} if filters.statuses else {"term": {"status": SUSPICIOUS}}
    return {
        "size": 0,
        "track_total_hits": False,
        "timeout": f"{SECONDS - 1}s",
        "query": {"bool": {"filter": [{"range": {"received_at": received}}, *filters.clauses()]}},
        "aggs": {
            "status": {
                "terms": {"field": "status"},
                "aggs": {"time": {"date_histogram": over_time}},
            },
            "reasons": {"terms": _terms("reasons")},
            "looked_for": {
                "filter": looked_for,
                "aggs": {name: {"terms": _terms(name)} for name in ("countries", "devices", "accounts")},
            },
        },
    }


def part(answer: dict[str, Any]) -> Part:
    """What one search found. Pure."""
    found = Part()
    # No index yet, no logs yet.
    aggregations = answer.get("aggregations", {})
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


def _whole(answer: dict[str, Any]) -> dict[str, Any]:
    """Raises what a lone search would have raised, and for one that gave up."""
    if answer["status"] == 404:
        return {}
    if answer["status"] != 200:
        raise _error(str(answer.get("error", {}).get("type", "unknown")), answer["status"])
    if answer["timed_out"] or answer["_shards"]["failed"]:
        raise _error("it gave up after some seconds", 503)
    return answer


def _error(message: str, status: int) -> ApiError:
    from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig

    meta = ApiResponseMeta(status, "1.1", HttpHeaders(), 0.0, NodeConfig("http", "elasticsearch", 9200))
    return ApiError(message, meta, {})
