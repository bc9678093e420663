"""Every panel of the Kibana dashboard: its query, run on Elasticsearch, counts the same as the tables in MySQL.

No Kibana runs here, so the queries are derived from the saved objects (lens.py).
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.contract import reading
from include.kibana.objects import ndjson
from include.names import STATUSES, SUSPICIOUS, TABLES
from tests.integration import lens
from tests.integration.stack import Stack, until, wait_until_all_is_loaded

DATA_VIEW, SEARCH, DASHBOARD = (json.loads(line) for line in ndjson(reading.current()).splitlines())
INDEX, TIME = DATA_VIEW["attributes"]["title"], DATA_VIEW["attributes"]["timeFieldName"]
PANELS = {panel["panelIndex"]: panel for panel in json.loads(DASHBOARD["attributes"]["panelsJSON"])}

WINDOW = timedelta(seconds=60)
COLUMNS = ("kafka_partition", "kafka_offset", "event_id", "account_id", "event_type", "device", "location_country")
TIMES = ("event_timestamp", "received_at")


@dataclass(frozen=True)
class Window:
    """A closed time range, and MySQL's rows of the logs received in it."""

    since: datetime
    until: datetime
    rows: list[dict[str, Any]]

    @property
    def query(self) -> dict[str, Any]:
        """The dashboard's time range, which Kibana adds to every query."""
        bounds = {"gte": self.since.isoformat(), "lt": self.until.isoformat()}
        return {"range": {TIME: {**bounds, "format": "strict_date_optional_time"}}}


@pytest.fixture(scope="module")
def window(stack: Stack) -> Window:
    # A log's time is when it was sent: two seconds later it is in the topic, before the ends that are read now.
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=2)
    wait_until_all_is_loaded(stack)
    found = Window(end - WINDOW, end, rows(stack, end - WINDOW, end))
    assert {row["status"] for row in found.rows} == set(STATUSES)

    def all_indexed() -> bool:
        return stack.search(f"{INDEX}/_count", {"query": found.query})["count"] == len(found.rows)

    until(all_indexed, 30, "every row's document is in the index")
    return found


def rows(stack: Stack, since: datetime, end: datetime) -> list[dict[str, Any]]:
    fields = (*COLUMNS, *TIMES)
    found = []
    for status in STATUSES:
        query = f"SELECT {', '.join(fields)}, reasons FROM logs.{TABLES[status]}"
        query += " WHERE received_at >= %s AND received_at < %s"
        for *values, reasons in stack.root_sql(query, (since.replace(tzinfo=None), end.replace(tzinfo=None))):
            row = dict(zip(fields, values, strict=True)) | {"status": status, "reasons": json.loads(reasons)}
            found.append(row | {name: row[name] and row[name].replace(tzinfo=UTC) for name in TIMES})
    return found


def counted(stack: Stack, window: Window, panel: str) -> lens.Counts:
    """The counts that the panel shows for the window."""
    attributes = PANELS[panel]["embeddableConfig"]["attributes"]
    assert attributes["state"]["query"]["query"] == "", "only the time range filters a chart"
    (layer,) = attributes["state"]["datasourceStates"]["formBased"]["layers"].values()
    return lens.counts(layer, stack.search(f"{INDEX}/_search", lens.request(layer, window.query)))


def test_every_chart_is_compared(stack: Stack):
    charts = {id for id, panel in PANELS.items() if panel["type"] == "lens"}
    assert charts == {"over-time", "shares-over-time", "shares", "reasons", "countries", "devices"}


@pytest.mark.parametrize("panel", ["over-time", "shares-over-time"])
def test_the_counts_over_time_match_the_tables(stack: Stack, window: Window, panel: str):
    step = lens.INTERVAL_SECONDS
    expected = Counter(
        (row["status"], int(row["received_at"].timestamp()) // step * step * 1000) for row in window.rows
    )

    assert counted(stack, window, panel) == expected


def test_the_shares_match_the_tables(stack: Stack, window: Window):
    assert counted(stack, window, "shares") == Counter((row["status"],) for row in window.rows)


@pytest.mark.parametrize(
    ("panel", "most", "values"),
    [
        ("reasons", 15, lambda row: row["reasons"]),
        ("countries", 10, lambda row: [row["location_country"]]),
        ("devices", 10, lambda row: [row["device"]]),
    ],
)
def test_a_ranking_has_the_most_frequent_values_of_the_tables_with_their_counts(
    stack: Stack, window: Window, panel: str, most: int, values: Any
):
    of_tables = Counter((value, row["status"]) for row in window.rows for value in values(row) if value is not None)
    totals: Counter[str] = Counter()
    for (value, _), count in of_tables.items():
        totals[value] += count
    shown = counted(stack, window, panel)
    values_shown = {value for value, _ in shown}

    assert shown == {pair: count for pair, count in of_tables.items() if pair[0] in values_shown}
    # Of equally frequent values, any may be the last one shown.
    assert sorted(totals[value] for value in values_shown) == sorted(dict(totals.most_common(most)).values())
    assert values_shown


def test_the_newest_suspicious_logs_match_the_table(stack: Stack, window: Window):
    attributes = SEARCH["attributes"]
    source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    query = {"bool": {"filter": [window.query, lens.kuery(source["query"]["query"])]}}
    sort = [{field: order} for field, order in attributes["sort"]]
    body = {"size": 100, "query": query, "sort": sort, "_source": [*attributes["columns"], TIME, "origin"]}
    hits = [hit["_source"] for hit in stack.search(f"{INDEX}/_search", body)["hits"]["hits"]]

    table = [row for row in window.rows if row["status"] == SUSPICIOUS]
    by_origin = {(row["kafka_partition"], row["kafka_offset"]): row for row in table}
    newest = sorted((row["received_at"] for row in table), reverse=True)[:100]
    assert [datetime.fromisoformat(hit[TIME]) for hit in hits] == newest
    assert hits
    for hit in hits:
        row = by_origin[hit["origin"]["kafka_partition"], hit["origin"]["kafka_offset"]]
        for column in attributes["columns"]:
            value = datetime.fromisoformat(hit[column]) if column in TIMES else hit[column]
            assert value == row[column], column
