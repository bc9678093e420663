"""Grafana's dashboard "Logsieve". `python -m include.metrics.dashboard` prints it, to import it or to provision it."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_HERE: Final = 'job=~"$job", instance=~"$instance"'
"""The stacks that are chosen above the panels."""
_COLOURS: Final = {"good": "green", "bad": "red", "suspicious": "yellow"}
_WIDTH: Final = 24


@dataclass(frozen=True)
class Panel:
    """A panel. `queries`: PromQL by legend; `$at` stands for the labels of the chosen stacks."""

    title: str
    queries: Mapping[str, str]
    unit: str = "short"
    kind: Literal["timeseries", "stat"] = "timeseries"
    width: int = 8
    description: str = ""
    stacked: bool = False
    mappings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Text and colour by value."""


_UP: Final = {"0": ("down", "red"), "1": ("up", "green")}


def _quantiles(name: str) -> dict[str, str]:
    rate = f"sum by (le) (rate(logsieve_{name}_delay_seconds_bucket{{$at}}[$__rate_interval]))"
    return {f"{share:.0%}": f"histogram_quantile({share}, {rate})" for share in (0.5, 0.99)}


PANELS: Final = (
    Panel("Servers", {"{{server}}": "logsieve_up{$at}"}, kind="stat", width=16, mappings=_UP),
    Panel("Driver", {"driver": "logsieve_driver_up{$at}"}, kind="stat", width=4, mappings=_UP),
    Panel("Epoch of the driver", {"epoch": "logsieve_driver_epoch{$at}"}, "none", kind="stat", width=4,
          description="Each driver takes the next: a step is a restart."),
    Panel("Logs by status", {"{{status}}": "sum by (status) (rate(logsieve_logs_total{$at}[$__rate_interval]))"}, "cps",
          stacked=True),
    Panel("Reasons", {"{{reason}}": "topk(10, sum by (reason)"
          " (rate(logsieve_log_reasons_total{$at}[$__rate_interval])) > 0)"}, "cps"),
    Panel("Share of bad logs", {
          "bad": 'sum(increase(logsieve_logs_total{$at, status="bad"}[10m]))'
          " / sum(increase(logsieve_logs_total{$at}[10m]))",
          "limit": 'max(logsieve_alarm_limit{$at, alarm="bad_share"})'}, "percentunit"),
    Panel("Log to status", _quantiles("status"), "s", description="By the broker's clock."),
    Panel("Log to row", _quantiles("row"), "s", description="Until the commit in MySQL."),
    Panel("Log to document", _quantiles("document"), "s", description="Until Elasticsearch has it; not by Logstash."),
    Panel("Age of the newest log", {"{{hop}}": "time() - max by (hop) (logsieve_newest_timestamp_seconds{$at})"}, "s"),
    Panel("Backlog", {"{{hop}}": "sum by (hop) (logsieve_backlog_messages{$at})",
                      "limit": 'max(logsieve_alarm_limit{$at, alarm="backlog"})'}),
    Panel("Backlog by partition", {"{{hop}} {{partition}}":
          "max by (hop, partition) (logsieve_backlog_messages{$at})"}),
    Panel("Throughput by hop",
          {"{{hop}}": "sum by (hop) (rate(logsieve_hop_messages_total{$at}[$__rate_interval]))"}, "cps"),
    Panel("Restarts", {"driver": "sum(changes(logsieve_driver_epoch{$at}[$__rate_interval]))",
          "{{program}}": "sum by (program)"
          " (changes(logsieve_program_start_timestamp_seconds{$at}[$__rate_interval]))"}, "none",
          description="Programs of the embedded stack, and the driver."),
    Panel("Refused, set aside, blocked", {"documents refused": "sum(logsieve_refused_documents{$at})",
          "messages set aside": "sum(logsieve_foreign_messages_total{$at})",
          "{{part}} blocked, s": "max by (part) (logsieve_blocked_seconds{$at})",
          "gaps": "sum(logsieve_unindexed_gaps{$at})"}),
    Panel("Users version", {"newest": "max(logsieve_users_version{$at})",
          "judged by": "max(logsieve_driver_users_version{$at})"}, "none"),
    Panel("Proven logs", {"logs": "max(logsieve_proof_logs{$at})"}, width=4, kind="stat"),
    Panel("Age of the last proof", {"age": "time() - max(logsieve_proof_timestamp_seconds{$at})"}, "s", width=4,
          kind="stat"),
    Panel("Free on the disk", {"{{disk}}": "min by (disk) (logsieve_disk_free_bytes{$at})",
          "limit": 'max(logsieve_alarm_limit{$at, alarm="disk_free_bytes"})'}, "bytes"),
    Panel("Documents", {"documents": "sum(logsieve_documents{$at})"}),
)  # fmt: skip


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    return {
        "uid": "logsieve",
        "title": "Logsieve",
        "tags": ["logsieve"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_datasource(), _chosen("job"), _chosen("instance")]},
        "panels": list(_panels()),
    }


def _datasource() -> dict[str, Any]:
    return {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus"}


def _chosen(label: str) -> dict[str, Any]:
    query = f"label_values(logsieve_up, {label})"
    return {
        "type": "query",
        "name": label,
        "datasource": _SOURCE,
        "query": {"query": query, "refId": label},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> Iterator[dict[str, Any]]:
    x, y, height = 0, 0, 0
    for number, panel in enumerate(PANELS, 1):
        if x + panel.width > _WIDTH:
            x, y, height = 0, y + height, 0
        tall = 4 if panel.kind == "stat" else 8
        yield _panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": tall})
        x, height = x + panel.width, max(height, tall)


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "gridPos": place,
        "datasource": _SOURCE,
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": _SOURCE, "expr": expression(query), "legendFormat": legend}
            for place, (legend, query) in enumerate(panel.queries.items())
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _colours(panel)},
    }
    if panel.description:
        found["description"] = panel.description
    if panel.kind == "stat":
        found["options"] = {"colorMode": "background" if panel.mappings else "value", "textMode": "auto"}
    return found


def expression(query: str) -> str:
    """A query of a panel as Grafana gets it."""
    return query.replace("$at", _HERE)


def _defaults(panel: Panel) -> dict[str, Any]:
    found: dict[str, Any] = {"unit": panel.unit}
    if panel.mappings:
        options = {
            value: {"text": text, "color": colour, "index": index}
            for index, (value, (text, colour)) in enumerate(panel.mappings.items())
        }
        found["mappings"] = [{"type": "value", "options": options}]
    if panel.stacked:
        found["custom"] = {"fillOpacity": 30, "stacking": {"mode": "normal", "group": "A"}}
    return found


def _colours(panel: Panel) -> list[dict[str, Any]]:
    if "{{status}}" not in panel.queries:
        return []
    return [
        {
            "matcher": {"id": "byName", "options": status},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for status, colour in _COLOURS.items()
    ]


if __name__ == "__main__":
    json.dump(dashboard(), sys.stdout, indent=2)
