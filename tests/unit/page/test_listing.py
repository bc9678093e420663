"""What is asked of Elasticsearch for a list and for a summary, and what is made of its answers."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig, ObjectApiResponse
from elasticsearch import ApiError

from include.contract import reading
from include.page import counts_search, listing
from include.page.filters import Filters
from include.page.listing import Place
from include.settings import ROOT

SHIPPED = reading.load(ROOT / "contract.toml")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = Filters(NOW - timedelta(hours=1), NOW)


def clauses(word: str, filters: Filters = HOUR) -> list[Any]:
    found: list[Any] = listing.body(SHIPPED, filters, word, 50, None)["query"]["bool"]["filter"]
    return found


def test_a_word_may_be_an_event_its_beginning_an_account_or_an_origin() -> None:
    assert clauses("0-12") == [{"ids": {"values": ["0-12"]}}], "that log, whatever else is asked"
    assert clauses("ab")[-1]["bool"]["should"] == [{"term": {"event_id": "ab"}}]
    assert {"prefix": {"event_id": "abc"}} in clauses("abc")[-1]["bool"]["should"]
    assert {"term": {"account_id": -684}} in clauses("-684")[-1]["bool"]["should"]
    assert len(clauses("")) == 1


@pytest.mark.parametrize("word", ["2147483648", "-2147483649", "1e3", "٣", "1.0", " 1"])
def test_what_no_account_can_be_is_looked_for_as_an_event_only(word: str) -> None:
    assert {name for each in clauses(word)[-1]["bool"]["should"] for name in next(iter(each.values()))} == {"event_id"}


def test_filters_are_exact_values() -> None:
    filters = Filters(NOW, NOW + timedelta(seconds=1), ("bad",), ("not_json",))
    filters = replace(filters, fields=(("location_country", ("GB", "FR")), ("device", ("a*",)), ("account_id", (1,))))
    assert clauses("", filters)[1:] == [
        {"terms": {"status": ["bad"]}},
        {"terms": {"reasons": ["not_json"]}},
        {"terms": {"location_country": ["GB", "FR"]}},
        {"terms": {"device": ["a*"]}},
        {"terms": {"account_id": [1]}},
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "1-2", "1-2-3-4", "a-1-2", "1--2-3", "١-2-3", f"{10**15}-1-1", "999999999999999-0-1"),
        *("253402300800000-0-1", f"1-{2**31}-1", f"1-1-{2**63}"),
    ],
)
def test_a_place_is_what_a_page_gave(text: str) -> None:
    place = Place.at(NOW, 1, 2**62)
    assert Place.of(str(place)) == place
    assert Place.of(text) is None


def test_of_a_bad_log_only_the_beginning_is_in_the_list() -> None:
    source = {"origin": {"kafka_partition": 1, "kafka_offset": 2}, "received_at": "2026-11-25T12:00:00.000Z"}
    raw = bytes(range(256)) * 4
    found = listing.row(SHIPPED, source | {"status": "bad", "raw": base64.b64encode(raw).decode(), "raw_size": 1024})
    assert (found["origin"], base64.b64decode(found["raw"]), found["raw_size"]) == ("1-2", raw[:400], 1024)
    assert listing.row(SHIPPED, source)["raw"] is None


def test_the_tops_are_of_suspicious_logs_unless_a_status_is_chosen() -> None:
    def looked_for(filters: Filters) -> Any:
        return counts_search.body(SHIPPED, filters, [(0, 1)])["aggs"]["parts"]["aggs"]["looked_for"]["filter"]

    assert looked_for(HOUR) == {"term": {"status": "suspicious"}}
    assert looked_for(HOUR.of_status("bad")) == {"match_all": {}}


def test_neighbours_are_one_search_and_each_is_a_part_of_its_own() -> None:
    assert counts_search.runs([(0, 5), (5, 9), (20, 30), (3, 4)]) == [[(0, 5), (5, 9)], [(20, 30)], [(3, 4)]]
    asked = counts_search.body(SHIPPED, HOUR, [(0, 5), (5, 9), (20, 30)])
    ranges = [clause["range"]["received_at"] for clause in asked["query"]["bool"]["should"]]
    assert [(wanted["gte"], wanted["lt"]) for wanted in ranges] == [(0, 9), (20, 30)]
    assert asked["query"]["bool"]["minimum_should_match"] == 1
    assert asked["aggs"]["parts"]["date_range"]["ranges"] == [
        {"from": 0, "to": 5}, {"from": 5, "to": 9}, {"from": 20, "to": 30}
    ]  # fmt: skip
    counts = {"status": {"buckets": [{"key": "bad", "time": {"buckets": [{"key": 5, "doc_count": 3}]}}]}}
    answer = {"aggregations": {"parts": {"buckets": [{}, counts | {"reasons": {"buckets": []}}]}}}
    assert [part.buckets for part in counts_search.parts(SHIPPED, answer, 2)] == [{}, {5: [0, 3, 0]}]


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        ({"status": 404, "error": {}}, False),
        ({"timed_out": True, "_shards": {"failed": 0}}, True),
        ({"timed_out": False, "_shards": {"failed": 1}}, True),
    ],
)
def test_half_an_answer_is_none(answer: dict[str, Any], raised: bool) -> None:
    class Client:
        def options(self, **_: Any) -> "Client":
            return self

        def search(self, **_: Any) -> ObjectApiResponse[Any]:
            meta = ApiResponseMeta(200, "1.1", HttpHeaders(), 0.0, NodeConfig("http", "elasticsearch", 9200))
            return ObjectApiResponse(answer, meta)

    read = counts_search.SearchSource(SHIPPED, Client).read  # type: ignore[arg-type]
    if raised:
        with pytest.raises(ApiError):
            list(read(HOUR, [(0, 1)]))
    else:
        assert [part.buckets for part in read(HOUR, [(0, 1)])] == [{}], "no index yet"


def test_the_newest_logs_are_looked_for_in_the_newest_part_of_the_range_first() -> None:
    length = HOUR.end - HOUR.begin
    assert listing.newest(HOUR, None, 4) == replace(HOUR, begin=HOUR.end - length / 4)
    middle = Place.at(HOUR.begin + length / 2, 0, 7)
    assert listing.newest(HOUR, middle, 4).begin == HOUR.begin + length / 4
    assert listing.newest(HOUR, middle, 1) == listing.newest(HOUR, None, 1) == HOUR
