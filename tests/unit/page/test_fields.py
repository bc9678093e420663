"""The page follows any contract: its filters and their values, its lists and columns, both servers' answers."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.contract import reading
from include.contract.model import Contract
from include.page import counts_search, fields, listing, listing_rows, values
from include.page.filters import Filters, WrongFilterError, chosen
from include.settings import ROOT

SHIPPED = reading.load(ROOT / "contract.toml")
OTHER = reading.load(ROOT / "tests" / "contracts" / "contract.toml")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = Filters(NOW - timedelta(hours=1), NOW)
OF_ALL_TYPES = replace(
    OTHER,
    roles=replace(
        OTHER.roles,
        filters=("method", "status_code", "user_id", "ratio", "cached", "address"),
        tops=("country", "user_id", "cached"),
    ),
)
BARE = reading.parse('[[field]]\nname = "from"\ntype = "text"\n\n[roles]\nfilters = ["from"]\n', Path("bare.toml"))


def labels(contract: Contract) -> tuple[list[str], list[str], list[str]]:
    found = fields.for_browser(contract)
    return ([each["label"] for each in found["filters"]], [each["label"] for each in found["columns"]], found["sought"])


def meanings(contract: Contract, word: str) -> Any:
    *_, clause = listing.body(contract, HOUR, word, 50, None)["query"]["bool"]["filter"]
    return clause["bool"]["should"]


def test_the_shipped_contract_has_the_lists_columns_and_search_that_it_always_had() -> None:
    assert labels(SHIPPED) == (["country", "device", "account"], ["account", "device", "country"], ["event", "account"])
    assert fields.for_browser(SHIPPED)["event"] == {"label": "event", "subject": "event_type", "id": "event_id"}
    assert fields.for_browser(SHIPPED)["rejudged_by"] == "account"
    assert fields.longest_search(SHIPPED) == 64


def test_tops_are_listed_first_and_what_is_compared_is_a_column_too() -> None:
    listed, columns, sought = labels(OTHER)
    assert listed == ["country", "device", "method"]
    assert columns == ["user", "country", "device", "method"]
    assert sought == ["request", "user"]
    assert fields.for_browser(OTHER)["event"] == {"label": "request", "subject": "user_name", "id": "request_id"}


def test_a_contract_without_roles_or_dimension_has_none_of_this() -> None:
    assert fields.for_browser(BARE)["event"] is None, "its only field is a filter and so has a column"
    assert fields.for_browser(BARE)["rejudged_by"] is fields.for_browser(OTHER)["rejudged_by"] is None
    bare = replace(BARE, roles=replace(BARE.roles, filters=()))
    found = fields.for_browser(bare)
    assert (found["filters"], found["columns"], found["sought"]) == ([], [], [])
    assert found["event"] == {"label": "from", "subject": "from", "id": None}
    assert meanings(bare, "word") == [{"match_none": {}}]
    assert "looked_for" not in counts_search.body(bare, HOUR, [(0, 1)])["aggs"]["parts"]["aggs"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("status_code", "-2147483648", -(2**31)),
        ("user_id", "9223372036854775807", 2**63 - 1),
        ("ratio", "1e+21", 1e21),
        ("ratio", "-0", 0.0),
        ("cached", "false", False),
        ("address", "2001:DB8:0::1", "2001:db8::1"),
        ("method", "<b>\u202e", "<b>\u202e"),
        ("method", "", ""),
    ],
)
def test_a_value_is_read_by_the_type_of_its_field(name: str, text: str, value: values.Value) -> None:
    found = values.parse(OTHER.by_name[name], text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("status_code", text) for text in ("2147483648", "-2147483649", "1e3", "٣", "1.0", "", " 1", "1_0")),
        *(("user_id", text) for text in ("9223372036854775808", "9" * 999)),
        *(("ratio", text) for text in ("nan", "inf", "1e999", "0x1", "1.", "")),
        *(("cached", text) for text in ("True", "1", "")),
        *(("address", text) for text in ("192.0.2.0/24", "fe80::1%eth0", "192.0.2", "")),
        ("method", "x" * 1001),
    ],
)
def test_what_is_no_value_of_the_field_is_refused_without_repeating_it(name: str, text: str) -> None:
    with pytest.raises(WrongFilterError, match=f"^{name}: a value is not ") as refused:
        chosen(OF_ALL_TYPES, [(name, text)])
    assert refused.value.remedy
    assert not text or text not in refused.value.message


def test_filters_are_in_one_order_and_are_clauses() -> None:
    given = [("method", "GET"), ("status", "bad"), ("user_id", "7"), ("cached", "true"), ("method", "PUT")]
    found = chosen(OF_ALL_TYPES, given)
    assert found == chosen(OF_ALL_TYPES, [given[2], given[0], given[4], given[3]]), "one view is one cached result"
    assert replace(HOUR, statuses=("bad",), fields=found).clauses() == [
        {"terms": {"status": ["bad"]}},
        {"terms": {"user_id": [7]}},
        {"terms": {"cached": [True]}},
        {"terms": {"method": ["GET", "PUT"]}},
    ]
    assert replace(HOUR, fields=found).only_by_status() == HOUR


def test_a_parameter_that_is_no_filter_is_refused_and_not_ignored() -> None:
    for name in ("user_name", "<script>", "account"):
        with pytest.raises(WrongFilterError) as refused:
            chosen(OTHER, [(name, "x")])
        assert refused.value.remedy == "Those are: country, device, method."
        assert name not in refused.value.message
    with pytest.raises(WrongFilterError, match="more than 50 values"):
        chosen(OTHER, [("method", "x")] * 51)


def test_a_field_named_like_a_parameter_of_the_page_is_not_taken_for_it() -> None:
    assert fields.for_browser(BARE)["filters"][0]["parameter"] == "field.from"
    assert chosen(BARE, [("from", "2026-11-25T12:00:00Z"), ("field.from", "x")]) == (("from", ("x",)),)


def test_the_pages_own_parameters_are_those_in_its_address() -> None:
    script = (ROOT / "plugins" / "page" / "static" / "filters.js").read_text(encoding="utf-8")
    used = re.findall(r'#words\.(?:get|has|set|delete)\("(\w+)"', script)
    assert {"status", *used} <= fields.OWN
    assert len(set(used)) >= 5


def test_a_word_is_an_id_or_a_key_or_the_beginning_of_a_text() -> None:
    of_request = [{"term": {"request_id": "684"}}, {"prefix": {"request_id": "684"}}]
    assert meanings(OTHER, "684") == [*of_request, {"term": {"user_id": 684}}]
    assert meanings(OTHER, "9223372036854775808")[-1] == {"prefix": {"request_id": "9223372036854775808"}}
    by_time = replace(OTHER, roles=replace(OTHER.roles, id="started_at"))
    assert [field.name for field in fields.sought(by_time)] == ["user_id"], "a word is no time"


def test_the_most_frequent_values_are_counted_by_type() -> None:
    aggs = counts_search.body(OF_ALL_TYPES, HOUR, [(0, 1)])["aggs"]["parts"]["aggs"]["looked_for"]["aggs"]
    assert list(aggs) == ["country", "user_id", "cached", "method", "status_code", "ratio", "address"]
    assert aggs["country"] == {"terms": {"field": "country", "size": 300}}
    assert aggs["method"] == {"terms": {"field": "method", "size": 500}}
    counted = {
        "user_id": {"buckets": [{"key": 2**63 - 1, "doc_count": 3}]},
        "cached": {"buckets": [{"key": 1, "key_as_string": "true", "doc_count": 2}]},
        "ratio": {"buckets": [{"key": 0.5, "doc_count": 1}]},
    }
    answer = {"aggregations": {"parts": {"buckets": [{"looked_for": counted}]}}}
    (part,) = counts_search.parts(OF_ALL_TYPES, answer, 1)
    assert part.tops["user_id"] == Counter({"9223372036854775807": 3}), "no browser has it as a number"
    assert part.tops["cached"] == Counter({True: 2})
    assert part.tops["ratio"] == Counter({0.5: 1})
    assert part.tops["reasons"] == part.tops["method"] == Counter()


def test_many_filters_share_the_buckets_that_elasticsearch_answers() -> None:
    many = replace(OTHER, roles=replace(OTHER.roles, filters=tuple(n for n in OTHER.names if n != "user_name")))
    aggs = counts_search.body(many, HOUR, [(0, 1)])["aggs"]["parts"]["aggs"]["looked_for"]["aggs"]
    sizes = [each["terms"]["size"] for each in aggs.values()]
    assert 200 < sum(sizes) <= 4000
    assert counts_search.AT_ONCE * 4000 < 65_536


DOCUMENT = {
    "request_id": "141b3ff2-a921", "user_id": 2**63 - 1, "user_name": "", "country": "GB", "device": "IOS",
    "address": "192.0.2.7", "method": "GET", "status_code": 200, "bytes_sent": None, "duration": 0.25, "ratio": None,
    "cached": False, "started_at": "2026-11-23T01:02:03.400Z", "ended_at": None, "order": "2021-04-29T19:28:30Z",
    "proxy": None,
}  # fmt: skip


def test_rows_are_listed_as_documents_are() -> None:
    document = DOCUMENT | {"origin": {"kafka_partition": 1, "kafka_offset": 2}, "status": "good", "reasons": []}
    document |= {"received_at": "2026-11-25T12:00:00.000Z"}
    row = DOCUMENT | {"kafka_partition": 1, "kafka_offset": 2, "status": "good", "reasons": "[]", "cached": 0}
    row |= {"received_at": NOW.replace(tzinfo=None), "started_at": datetime(2026, 11, 23, 1, 2, 3, 400_000)}
    row |= {"order": datetime(2021, 4, 29, 19, 28, 30)}
    found = listing.row(OTHER, document)
    assert found == listing_rows.row(OTHER, row)
    assert (found["user_id"], found["cached"]) == ("9223372036854775807", False)


def test_columns_are_quoted_because_their_names_may_be_words_of_sql() -> None:
    asked: list[str] = []

    class Cursor:
        def execute(self, statement: str, _: Any) -> None:
            asked.append(statement)

        def fetchall(self) -> list[Any]:
            return []

    assert listing_rows.read(Cursor(), OTHER, HOUR, "", 5, None) == []
    assert len(asked) == 3
    assert all("`order`, `proxy`" in statement for statement in asked)
