"""The query of a Kibana Lens chart, derived from the documented meaning of its columns, and its result.

Kibana derives the interval of a date histogram from the screen's width; here it is INTERVAL_SECONDS.
"""

import re
from typing import Any

INTERVAL_SECONDS = 10

Counts = dict[tuple[Any, ...], int]
"""Numbers of logs, by one value per bucketed column, in the order of the columns."""


def request(layer: Any, query: Any) -> dict[str, Any]:
    """The body of the search that counts the documents of `query` by the layer's columns."""
    aggs: dict[str, Any] = {}
    for id in reversed(layer["columnOrder"]):
        column = layer["columns"][id]
        if column["isBucketed"]:
            aggs = {id: _BUCKETS[column["operationType"]](column) | ({"aggs": aggs} if aggs else {})}
        else:
            assert column["operationType"] == "count"
    return {"size": 0, "query": query, "aggs": aggs, "track_total_hits": True}


def counts(layer: Any, answer: Any) -> Counts:
    """The counts in an answer, without empty buckets."""
    ids = [id for id in layer["columnOrder"] if layer["columns"][id]["isBucketed"]]

    def below(aggregations: Any, ids: list[str]) -> Counts:
        found = {}
        buckets = aggregations[ids[0]]["buckets"]
        named = buckets.items() if isinstance(buckets, dict) else ((bucket["key"], bucket) for bucket in buckets)
        for key, bucket in named:
            inner = below(bucket, ids[1:]) if ids[1:] else {(): bucket["doc_count"]}
            found |= {(key, *path): count for path, count in inner.items() if count}
        return found

    return below(answer["aggregations"], ids)


def kuery(text: str) -> dict[str, Any]:
    """The query for `field: word`, the only form of the language in our saved objects."""
    match = re.fullmatch(r"(\w+): (\w+)", text)
    assert match, text
    return {"match": {match[1]: match[2]}}


def _filters(column: Any) -> dict[str, Any]:
    each = column["params"]["filters"]
    return {"filters": {"filters": {one["label"]: kuery(one["input"]["query"]) for one in each}}}


def _terms(column: Any) -> dict[str, Any]:
    params = column["params"]
    # Ordered by the only counting column, which is a bucket's number of documents.
    order = {"_count": params["orderDirection"]}
    return {"terms": {"field": column["sourceField"], "size": params["size"], "order": order}}


def _date_histogram(column: Any) -> dict[str, Any]:
    interval = {"fixed_interval": f"{INTERVAL_SECONDS}s", "time_zone": "UTC", "min_doc_count": 1}
    return {"date_histogram": {"field": column["sourceField"], **interval}}


_BUCKETS = {"filters": _filters, "terms": _terms, "date_histogram": _date_histogram}
