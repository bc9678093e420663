"""Kibana's saved objects hold to the published format, and are brought to a Kibana that takes its time.

No Kibana runs here. What is checked is what its public sources ask of an import: the attributes
that each type's schema allows, versions that 8.19 knows, references that resolve. That the panels' queries give what
MySQL gives is tests/integration/test_kibana.py.
"""

import itertools
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from include.contract import reading
from include.contract.model import Contract
from include.index.template import template
from include.kibana import importing, panels
from include.kibana.objects import ndjson
from include.names import INDEX, STATUSES
from include.settings import ROOT, Settings
from tests.unit.staged.kibana import ACCEPTED, StagedKibana

SHIPPED = reading.load(ROOT / "contract.toml")
OTHER = reading.load(ROOT / "tests" / "contracts" / "contract.toml")
OTHER = replace(
    OTHER,
    roles=replace(
        OTHER.roles,
        tops=("country", "device", "address", "status_code", "cached", "method", "user_name"),
        labels=(("cached", "cache hit"), ("method", "country"), ("user_name", "reason")),
    ),
)
OBJECTS = [json.loads(line) for line in ndjson(SHIPPED).splitlines()]
DATA_VIEW, SEARCH, DASHBOARD = OBJECTS
PANELS = json.loads(DASHBOARD["attributes"]["panelsJSON"])
CHARTS = [panel for panel in PANELS if panel["type"] == "lens"]
FIELDS = template()["template"]["mappings"]["properties"]

ALLOWED = {
    "index-pattern": {"title", "name", "timeFieldName", "type", "sourceFilters", "fieldFormatMap", "runtimeFieldMap"},
    "search": {
        "title", "description", "columns", "sort", "grid", "rowHeight", "rowsPerPage", "hideChart", "breakdownField",
        "kibanaSavedObjectMeta", "isTextBasedQuery", "usesAdHocDataView", "timeRestore", "timeRange", "refreshInterval",
        "viewMode", "hideAggregatedPreview", "hits", "version",
    },
    "dashboard": {
        "title", "description", "kibanaSavedObjectMeta", "timeRestore", "timeFrom", "timeTo", "refreshInterval",
        "controlGroupInput", "panelsJSON", "optionsJSON", "hits", "version",
    },
}  # fmt: skip
"""The attributes of each type's schema in Kibana 8.9, which refuses others."""


def panels_of(contract: Contract) -> list[Any]:
    *_, dashboard = ndjson(contract).splitlines()
    return list(json.loads(json.loads(dashboard)["attributes"]["panelsJSON"]))


def layer(panel: Any) -> Any:
    (found,) = panel["embeddableConfig"]["attributes"]["state"]["datasourceStates"]["formBased"]["layers"].values()
    return found


def references(of: Any) -> dict[str, tuple[str, str]]:
    """What each reference names: type and id."""
    return {each["name"]: (each["type"], each["id"]) for each in of["references"]}


def test_there_are_the_data_view_the_search_and_the_dashboard():
    assert [each["type"] for each in OBJECTS] == ["index-pattern", "search", "dashboard"]
    assert DATA_VIEW["attributes"]["title"] == INDEX
    assert FIELDS[DATA_VIEW["attributes"]["timeFieldName"]]["type"] == "date"


@pytest.mark.parametrize("saved", OBJECTS, ids=lambda saved: saved["type"])
def test_every_object_has_only_what_its_schema_allows_in_versions_that_8_19_knows(saved: Any):
    assert saved["attributes"].keys() <= ALLOWED[saved["type"]]
    assert saved["attributes"]["title"]
    assert saved["coreMigrationVersion"] == "8.8.0", "the last one of the 8 series"
    assert tuple(int(part) for part in saved["typeMigrationVersion"].split(".")) <= (8, 19, 0)


def test_every_reference_is_to_an_object_that_came_before():
    known: set[tuple[str, str]] = set()
    for saved in OBJECTS:
        assert set(references(saved).values()) <= known
        known.add((saved["type"], saved["id"]))
    assert len(known) == len(OBJECTS)


def test_each_name_that_is_used_is_a_reference_and_no_other_is_there():
    source = json.loads(SEARCH["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    assert references(SEARCH) == {source["indexRefName"]: ("index-pattern", DATA_VIEW["id"])}

    wanted = {}
    for panel in PANELS:
        if panel["type"] == "lens":
            attributes = panel["embeddableConfig"]["attributes"]
            layers = attributes["state"]["datasourceStates"]["formBased"]["layers"]
            inside = {f"indexpattern-datasource-layer-{id}": ("index-pattern", DATA_VIEW["id"]) for id in layers}
            assert references(attributes) == inside
            wanted |= {f"{panel['panelIndex']}:{name}": target for name, target in inside.items()}
        else:
            wanted[f"{panel['panelIndex']}:{panel['panelRefName']}"] = (panel["type"], SEARCH["id"])
    assert references(DASHBOARD) == wanted


@pytest.mark.parametrize("panel", CHARTS, ids=lambda panel: panel["panelIndex"])
def test_every_chart_is_of_fields_that_can_be_counted_so(panel: Any):
    columns = layer(panel)["columns"]
    assert layer(panel)["columnOrder"] == list(columns)
    *buckets, count = columns.values()
    assert all(column["isBucketed"] for column in buckets)
    assert (count["operationType"], count["isBucketed"]) == ("count", False)
    for column in columns.values():
        field = column.get("sourceField")
        if column["operationType"] == "terms":
            assert FIELDS[field]["type"] == "keyword"
            assert column["params"]["orderBy"]["columnId"] in columns
        elif column["operationType"] == "date_histogram":
            assert FIELDS[field]["type"] == "date"
        elif column["operationType"] == "filters":
            shown = [each["input"]["query"] for each in column["params"]["filters"]]
            assert sorted(shown) == sorted(f"status: {status}" for status in STATUSES)
        else:
            assert (column, field) == (count, "___records___")


@pytest.mark.parametrize("panel", CHARTS, ids=lambda panel: panel["panelIndex"])
def test_every_chart_draws_the_columns_that_it_has(panel: Any):
    attributes = panel["embeddableConfig"]["attributes"]
    (drawn,) = attributes["state"]["visualization"]["layers"]
    if attributes["visualizationType"] == "lnsPie":
        ids = [*drawn["primaryGroups"], *drawn["metrics"]]
    else:
        assert attributes["visualizationType"] == "lnsXY"
        ids = [drawn["xAccessor"], drawn["splitAccessor"], *drawn["accessors"]]
    assert sorted(ids) == sorted(layer(panel)["columns"])
    assert drawn["layerId"] in attributes["state"]["datasourceStates"]["formBased"]["layers"]


def test_the_search_shows_fields_of_the_document_newest_first():
    assert set(SEARCH["attributes"]["columns"]) <= FIELDS.keys()
    assert SEARCH["attributes"]["sort"] == [[DATA_VIEW["attributes"]["timeFieldName"], "desc"]]


@pytest.mark.parametrize("contract", [SHIPPED, OTHER], ids=["shipped", "other"])
def test_panels_lie_side_by_side_within_the_48_columns(contract: Contract):
    cells: list[tuple[int, int]] = []
    for panel in panels_of(contract):
        place = panel["gridData"]
        assert place["i"] == panel["panelIndex"]
        assert place["x"] + place["w"] <= 48
        across, down = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells += itertools.product(across, down)
    assert len(set(cells)) == len(cells)


def test_there_is_a_ranking_of_each_of_the_contracts_tops():
    of_shipped = [(chart.id, chart.title, chart.by) for chart in panels.charts(SHIPPED)[4:]]
    assert of_shipped == [("countries", "Countries", "location_country"), ("devices", "Devices", "device")]
    of_other = [(chart.id, chart.title, chart.by, chart.kind) for chart in panels.charts(OTHER)[4:]]
    assert of_other == [
        ("countries", "Countries", "country", "string"),
        ("devices", "Devices", "device", "string"),
        ("addresses", "Addresses", "address", "ip"),
        ("status-codes", "Status codes", "status_code", "number"),
        ("cache-hits", "Cache hits", "cached", "boolean"),
        ("countries-2", "Countries", "method", "string"),
        ("reasons-2", "Reasons", "user_name", "string"),
    ]
    for (*_, kind), panel in zip(of_other, panels_of(OTHER)[4:], strict=False):
        assert layer(panel)["columns"]["by"]["dataType"] == kind


def test_the_objects_of_another_contract_refer_to_each_other_and_show_its_fields():
    data_view, search, dashboard = map(json.loads, ndjson(OTHER).splitlines())
    assert search["attributes"]["columns"] == [*OTHER.names, "reasons"]
    ids = [panel["panelIndex"] for panel in panels_of(OTHER)]
    assert len(set(ids)) == len(ids) == 12
    known = {(each["type"], each["id"]) for each in (data_view, search)}
    assert set(references(dashboard).values()) == known
    assert {name.split(":")[0] for name in references(dashboard)} == set(ids)


def test_the_import_waits_until_kibana_is_ready_and_is_one_call():
    with StagedKibana(503, "close", 503) as staged:
        assert importing.import_objects(staged.url, Settings(), pause=0) == 3

    assert len(staged.requests) == 4
    path, headers, body = staged.requests[-1]
    assert path == "/api/saved_objects/_import?overwrite=true"
    assert headers["kbn-xsrf"]
    assert headers["Content-Type"].startswith("multipart/form-data")
    assert b'name="file"; filename="server-logs.ndjson"' in body, "Kibana refuses a file of another ending"
    assert ndjson(SHIPPED).encode() in body


def test_the_import_logs_in_where_a_login_is_set():
    with StagedKibana() as staged:
        importing.import_objects(
            staged.url, Settings(elasticsearch_user="elastic", elasticsearch_password="secret"), pause=0
        )
        importing.import_objects(staged.url, Settings(), pause=0)

    assert ["Authorization" in headers for _, headers, _ in staged.requests] == [True, False]


REFUSED = {"type": "dashboard", "id": "server-logs", "error": {"type": "missing_references"}}


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (401, "LOGSIEVE_ELASTICSEARCH_USER"),
        (404, "address of Kibana"),
        ({"hello": "I am no Kibana"}, "address of Kibana"),
        (ACCEPTED | {"success": False, "successCount": 2, "errors": [REFUSED]}, "dashboard server-logs"),
    ],
)
def test_what_waiting_does_not_mend_is_told_at_once(act: Any, told: str):
    with StagedKibana(act) as staged, pytest.raises(importing.ImportRefusedError, match=told):
        importing.import_objects(staged.url, Settings(), pause=0)

    assert len(staged.requests) == 1


def test_a_kibana_that_does_not_come_is_given_up_in_time_and_the_command_ends_with_1():
    with StagedKibana() as gone:
        pass

    command = [sys.executable, "-m", "include.kibana.importing", "--import", gone.url, "--seconds", "0.1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert "did not become ready" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_prints_the_saved_objects():
    done = subprocess.run(
        [sys.executable, "-m", "include.kibana.importing"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout) == (0, ndjson(SHIPPED))
