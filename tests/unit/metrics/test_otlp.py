"""What a receiver of OpenTelemetry gets, by either protocol, is what Prometheus scrapes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from prometheus_client.registry import Collector

from include.contract import reading
from include.metrics import otlp
from include.metrics.families import collect
from include.settings import ROOT, Settings
from tests.unit.metrics.facts import facts

Request = metrics_service_pb2.ExportMetricsServiceRequest


class Facts(Collector):
    def collect(self) -> Any:
        return iter(collect(facts(), Settings(), reading.load(ROOT / "contract.toml")))


@contextmanager
def by_http(got: "Queue[Any]") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put(Request.FromString(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def by_grpc(got: "Queue[Any]") -> Iterator[str]:
    class Receiver(metrics_service_pb2_grpc.MetricsServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:
            got.put(request)
            return metrics_service_pb2.ExportMetricsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Receiver(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop(None)


@pytest.mark.parametrize(("protocol", "receiver"), [("http/protobuf", by_http), ("grpc", by_grpc)])
def test_a_receiver_gets_the_same_metrics(monkeypatch: pytest.MonkeyPatch, protocol: str, receiver: Any) -> None:
    got: Queue[Any] = Queue()
    with receiver(got) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        otlp.begin(Facts(), "127.0.0.1:9464")
        (resource,) = got.get(timeout=30).resource_metrics
    attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert (attributes["service.name"], attributes["service.instance.id"]) == ("logsieve", "127.0.0.1:9464")
    found = {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}
    assert set(found) == {family.name for family in Facts().collect()}

    logs = found["logsieve_logs"].sum
    assert (logs.is_monotonic, logs.aggregation_temporality) == (True, 2)
    assert {point.attributes[0].value.string_value: point.as_double for point in logs.data_points} == {
        "good": 130, "bad": 10, "suspicious": 0,
    }  # fmt: skip
    assert found["logsieve_disk_free_bytes"].unit == "By"
    assert found["logsieve_disk_free_bytes"].gauge.data_points[0].as_double == 5 * 2**30

    (delays,) = found["logsieve_row_delay_seconds"].histogram.data_points
    assert (delays.count, list(delays.bucket_counts)) == (4, [0, 0, 3, *[0] * 14, 1])
    assert (delays.explicit_bounds[2], delays.sum) == (0.005, pytest.approx(3_700.01))


def test_nothing_is_sent_without_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in otlp.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    before = threading.active_count()
    otlp.begin(Facts(), "here")
    assert threading.active_count() == before


def test_a_protocol_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    with pytest.raises(ValueError, match="http/protobuf or grpc"):
        otlp.begin(Facts(), "here")
