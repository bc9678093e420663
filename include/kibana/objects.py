"""Kibana's saved objects, built from include/kibana/panels.py: data view, saved search, dashboard of Lens charts.

The format is that of Kibana 8.9. Later versions, including 8.19 and 9, migrate it on import; Kibana refuses a format
newer than its own.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from include.contract.model import Contract
from include.kibana.panels import (
    DATA_VIEW,
    DESCRIPTION,
    REFRESH_SECONDS,
    SINCE,
    STATUS_ORDER,
    TIME_FIELD,
    TITLE,
    Chart,
    Grid,
    Newest,
    charts,
    newest,
)

VERSION: Final = "8.9.0"
_CORE_VERSION: Final = "8.8.0"
_TYPE_VERSIONS: Final = {"index-pattern": "8.0.0", "search": "8.0.0", "dashboard": VERSION}
_INDEX_REF: Final = "kibanaSavedObjectMeta.searchSourceJSON.index"

_COUNT: Final = "count"
_STATUS: Final = "status"
_BY: Final = "by"
"""Ids of a chart's columns."""

_SERIES: Final = {"bars": "bar_stacked", "percent": "bar_percentage_stacked", "ranking": "bar_horizontal_stacked"}

Object = dict[str, Any]


def ndjson(contract: Contract) -> str:
    """The saved objects, one per line, each after the objects it refers to. Pure."""
    search = newest(contract)
    objects = (_data_view(), _newest(search), _dashboard(charts(contract), search))
    return "".join(json.dumps(each, sort_keys=True) + "\n" for each in objects)


def _saved(kind: str, id: str, attributes: Object, references: Iterable[Object] = ()) -> Object:
    return {
        "type": kind,
        "id": id,
        "attributes": attributes,
        "references": list(references),
        "coreMigrationVersion": _CORE_VERSION,
        "typeMigrationVersion": _TYPE_VERSIONS[kind],
        "managed": False,
    }


def _data_view() -> Object:
    return _saved("index-pattern", DATA_VIEW, {"title": DATA_VIEW, "name": DATA_VIEW, "timeFieldName": TIME_FIELD})


def _newest(search: Newest) -> Object:
    source = {"query": _kuery(f"status: {search.status}"), "filter": [], "indexRefName": _INDEX_REF}
    attributes = {
        "title": search.title,
        "description": "",
        "columns": list(search.columns),
        "sort": [[TIME_FIELD, "desc"]],
        "grid": {},
        "hideChart": True,
        "isTextBasedQuery": False,
        "timeRestore": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)},
    }
    return _saved("search", _search_id(search), attributes, [_data_view_ref(_INDEX_REF)])


def _dashboard(all_charts: Sequence[Chart], search: Newest) -> Object:
    panels = [_chart_panel(chart) for chart in all_charts]
    panels.append(_panel("search", search.id, search.grid, {"enhancements": {}}, panelRefName=f"panel_{search.id}"))
    options = {"useMargins": True, "syncColors": False, "syncCursor": True, "syncTooltips": False}
    attributes = {
        "title": TITLE,
        "description": DESCRIPTION,
        "timeRestore": True,
        "timeFrom": SINCE,
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": REFRESH_SECONDS * 1000},
        "panelsJSON": json.dumps(panels),
        "optionsJSON": json.dumps({**options, "hidePanelTitles": False}),
        "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps({"query": _kuery(""), "filter": []})},
        "version": 1,
    }
    references = [_data_view_ref(f"{chart.id}:{_layer_ref(chart)}") for chart in all_charts]
    references.append({"type": "search", "id": _search_id(search), "name": f"{search.id}:panel_{search.id}"})
    return _saved("dashboard", DATA_VIEW, attributes, references)


def _panel(kind: str, id: str, grid: Grid, config: Object, **more: str) -> Object:
    place = dict(zip("xywh", grid, strict=True)) | {"i": id}
    return {"version": VERSION, "type": kind, "panelIndex": id, "gridData": place, "embeddableConfig": config, **more}


def _chart_panel(chart: Chart) -> Object:
    columns = _columns(chart)
    layer = {"columnOrder": list(columns), "columns": columns, "incompleteColumns": {}, "sampling": 1}
    attributes = {
        "title": chart.title,
        "type": "lens",
        "visualizationType": "lnsPie" if chart.shape == "donut" else "lnsXY",
        "references": [_data_view_ref(_layer_ref(chart))],
        "state": {
            "datasourceStates": {"formBased": {"layers": {chart.id: layer}}, "textBased": {"layers": {}}},
            "visualization": _donut(chart) if chart.shape == "donut" else _bars(chart),
            "query": _kuery(""),
            "filters": [],
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }
    config = {"attributes": attributes, "enhancements": {}, "hidePanelTitles": False}
    return _panel("lens", chart.id, chart.grid, config, title=chart.title)


def _columns(chart: Chart) -> dict[str, Object]:
    """A chart's columns by id, in the order of the aggregations, outermost first."""
    filters = [{"label": status, "input": _kuery(f"status: {status}")} for status in STATUS_ORDER]
    status = _bucket("Status", "string", "filters", "ordinal", {"filters": filters})
    count = {
        "label": "Logs",
        "customLabel": True,
        "dataType": "number",
        "operationType": "count",
        "isBucketed": False,
        "scale": "ratio",
        "sourceField": "___records___",
        "params": {"emptyAsNull": True},
    }
    if chart.by is None:
        return {_STATUS: status, _COUNT: count}
    if chart.by == TIME_FIELD:
        interval = {"interval": "auto", "includeEmptyRows": True, "dropPartials": False}
        by = _bucket("Received", "date", "date_histogram", "interval", interval) | {"sourceField": chart.by}
        return {_STATUS: status, _BY: by, _COUNT: count}
    terms = {
        "size": chart.most,
        "orderBy": {"type": "column", "columnId": _COUNT},
        "orderDirection": "desc",
        "otherBucket": False,
        "missingBucket": False,
        "parentFormat": {"id": "terms"},
        "include": [],
        "exclude": [],
        "includeIsRegex": False,
        "excludeIsRegex": False,
    }
    by = _bucket(chart.title, chart.kind, "terms", "ordinal", terms) | {"sourceField": chart.by}
    return {_BY: by, _STATUS: status, _COUNT: count}


def _bucket(label: str, data: str, operation: str, scale: str, params: Object) -> Object:
    named = {"label": label, "customLabel": True, "dataType": data, "operationType": operation}
    return {**named, "isBucketed": True, "scale": scale, "params": params}


def _bars(chart: Chart) -> Object:
    layer = {
        "layerId": chart.id,
        "layerType": "data",
        "seriesType": _SERIES[chart.shape],
        "xAccessor": _BY,
        "splitAccessor": _STATUS,
        "accessors": [_COUNT],
        "palette": _palette(),
    }
    return {
        "layers": [layer],
        "preferredSeriesType": layer["seriesType"],
        "legend": {"isVisible": True, "position": "right"},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": True, "yRight": True},
    }


def _donut(chart: Chart) -> Object:
    layer = {
        "layerId": chart.id,
        "layerType": "data",
        "primaryGroups": [_STATUS],
        "metrics": [_COUNT],
        "numberDisplay": "percent",
        "categoryDisplay": "default",
        "legendDisplay": "default",
        "nestedLegend": False,
    }
    return {"shape": "donut", "layers": [layer], "palette": _palette()}


def _palette() -> Object:
    return {"type": "palette", "name": "status"}


def _kuery(query: str) -> Object:
    return {"language": "kuery", "query": query}


def _search_id(search: Newest) -> str:
    return f"{DATA_VIEW}-{search.id}"


def _data_view_ref(name: str) -> Object:
    return {"type": "index-pattern", "id": DATA_VIEW, "name": name}


def _layer_ref(chart: Chart) -> str:
    return f"indexpattern-datasource-layer-{chart.id}"
