"""Sends the same metrics by OpenTelemetry's exporter, if OTEL_EXPORTER_OTLP_ENDPOINT is set.

The variables are OpenTelemetry's own: endpoint, headers and certificates (OTEL_EXPORTER_OTLP_…), and how often
(OTEL_METRIC_EXPORT_INTERVAL, in milliseconds).
"""

import logging
import math
import os
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_INTERVAL: Final = "OTEL_METRIC_EXPORT_INTERVAL"
_DEFAULT_MILLISECONDS: Final = 60_000
_UNITS: Final = {"seconds": "s", "bytes": "By"}
_UNKNOWN_START: Final = 0
"""Of what is counted: the counters are older than this program, which adds nothing when it starts again."""

log = logging.getLogger("logsieve.metrics")


def begin(collector: Collector, instance: str) -> None:
    """Sends from a thread until the program ends, if an endpoint is set. `instance`: what tells stacks apart.

    Raises ValueError if the protocol or the interval is none.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return
    exporter = _exporter()
    seconds = int(os.environ.get(_INTERVAL) or _DEFAULT_MILLISECONDS) / 1000
    threading.Thread(target=_send, args=(collector, exporter, instance, seconds), name="otlp", daemon=True).start()
    log.info("Metrics are sent every %g s to %s", seconds, next(filter(None, map(os.environ.get, ENDPOINTS))))


def _exporter() -> Any:
    protocol = next(filter(None, map(os.environ.get, _PROTOCOLS)), "http/protobuf")
    # Imported when it is used: it takes 20 MiB.
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http import metric_exporter as http

        return http.OTLPMetricExporter()
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc

        return grpc.OTLPMetricExporter()
    raise ValueError(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}: use http/protobuf or grpc")


def _send(collector: Collector, exporter: Any, instance: str, seconds: float) -> None:
    while True:
        # A failure is logged by the exporter; the next sample has the same counters.
        exporter.export(data_of(collector.collect(), instance, time.time_ns()))
        time.sleep(seconds)


def data_of(families: Iterable[Metric], instance: str, now_ns: int) -> Any:
    """The families as opentelemetry.sdk.metrics.export.MetricsData."""
    from opentelemetry.sdk.metrics import export
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    resource = Resource.create({"service.name": "logsieve", "service.instance.id": instance})
    metrics = [
        export.Metric(each.name, each.documentation, _UNITS.get(each.unit, "1"), _data(export, each, now_ns))
        for each in families
    ]
    scope = export.ScopeMetrics(InstrumentationScope("logsieve"), metrics, "")
    return export.MetricsData([export.ResourceMetrics(resource, [scope], "")])


def _data(export: Any, family: Metric, now_ns: int) -> Any:
    cumulative = export.AggregationTemporality.CUMULATIVE
    if family.type == "histogram":
        return export.Histogram([_histogram(export, family, now_ns)], cumulative)
    points = [
        export.NumberDataPoint(sample.labels, _UNKNOWN_START, now_ns, float(sample.value)) for sample in family.samples
    ]
    if family.type == "counter":
        return export.Sum(points, cumulative, is_monotonic=True)
    return export.Gauge(points)


def _histogram(export: Any, family: Metric, now_ns: int) -> Any:
    """The only histogram of a family without labels; its buckets are not cumulative here."""
    bounds = [float(sample.labels["le"]) for sample in family.samples if sample.name.endswith("_bucket")]
    below = [int(sample.value) for sample in family.samples if sample.name.endswith("_bucket")]
    (total,) = (sample.value for sample in family.samples if sample.name.endswith("_sum"))
    buckets = [after - before for before, after in zip([0, *below], below, strict=False)]
    finite = [bound for bound in bounds if math.isfinite(bound)]
    return export.HistogramDataPoint({}, _UNKNOWN_START, now_ns, below[-1], total, buckets, finite, min=None, max=None)
