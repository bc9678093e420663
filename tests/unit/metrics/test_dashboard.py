"""The dashboard is what Grafana's own types can hold, and asks for what the catalogue has."""

import json
import re
from typing import Any

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from include.metrics.catalogue import METRICS
from include.metrics.dashboard import PANELS, dashboard


def lost(ours: Any, theirs: Any, place: str = "dashboard") -> list[str]:
    """The places at which a value of ours is not in what Grafana's types made of it."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [each for key in ours for each in lost(ours[key], theirs.get(key), f"{place}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = zip(ours, theirs, strict=True)
        return [each for number, pair in enumerate(pairs) for each in lost(*pair, f"{place}[{number}]")]
    return [] if ours == theirs else [f"{place}: {ours!r} became {theirs!r}"]


def through_grafanas_types(ours: dict[str, Any]) -> Any:
    plugins.register_default_plugins()
    return json.loads(json.dumps(Dashboard.from_json(ours), cls=JSONEncoder))


def test_grafanas_types_hold_all_of_the_dashboard() -> None:
    assert lost(dashboard(), through_grafanas_types(dashboard())) == []


def test_what_grafana_does_not_know_is_noticed() -> None:
    wrong = dashboard()
    wrong["panels"][0]["targets"][0]["expresion"] = "up"
    wrong["panels"][1]["gridPlace"] = {}
    assert len(lost(wrong, through_grafanas_types(wrong))) == 2


def test_panels_do_not_overlap_and_have_room() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_every_metric_that_can_change_has_a_panel() -> None:
    queries = [query for panel in PANELS for query in panel.queries.values()]
    used = {name.removesuffix("_bucket") for query in queries for name in re.findall(r"logsieve_\w+", query)}
    assert used <= {each.name for each in METRICS}
