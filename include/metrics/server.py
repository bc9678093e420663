"""Serves the metrics at /metrics. Run `python -m include.metrics.server`; SIGTERM stops it.

Whoever asks must send the token: `Authorization: Bearer …`. Without OpenMetrics in `Accept`, it answers in Prometheus'
older text format.
"""

import hmac
import logging
import signal
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from include.clients.outside import Outside
from include.metrics import otlp
from include.metrics.reader import Reader
from include.settings import Settings

PATH: Final = "/metrics"
LEAST_TOKEN: Final = 16
"""A shorter token could be guessed."""

log = logging.getLogger("logsieve.metrics")


class MetricsServer(ThreadingHTTPServer):
    """Answers at an address with what the registry collects, if the token is right."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Binds without asking DNS for the name of the host, which can take seconds."""
        TCPServer.server_bind(self)

    def __init__(self, address: tuple[str, int], token: str, registry: CollectorRegistry) -> None:
        """Raises OSError if the address is taken."""
        super().__init__(address, _Handler)
        self.token, self.registry = f"Bearer {token}".encode(), registry


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    server_version, sys_version = "logsieve", ""
    timeout = 10
    """A client that sends nothing for so long is cut off."""

    def do_GET(self) -> None:  # named by its base
        """Answers a scrape."""
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.server.token):
            asks = "WWW-Authenticate", "Bearer"
            self._send(HTTPStatus.UNAUTHORIZED, b"send the token: Authorization: Bearer ...\n", *asks)
        elif self.path.partition("?")[0] != PATH:
            self._send(HTTPStatus.NOT_FOUND, f"the metrics are at {PATH}\n".encode())
        else:
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._send(HTTPStatus.OK, encode(self.server.registry), "Content-Type", kind)

    def _send(self, status: HTTPStatus, body: bytes, *header: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if header:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """A line for each scrape would tell nothing."""


def main() -> int:
    """Serves with the settings of the environment until SIGTERM or SIGINT. Returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for chatty in ("httpx", "mysql.connector", "elastic_transport"):  # a line for each request or connection
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings = Settings()
    token = settings.metrics_token.get_secret_value()
    if len(token) < LEAST_TOKEN:
        log.error("Set LOGSIEVE_METRICS_TOKEN to a secret of %d characters or more, for Prometheus too.", LEAST_TOKEN)
        return 2
    reader, registry = Reader(settings, Outside(settings)), CollectorRegistry()
    registry.register(reader)
    try:
        server = MetricsServer(settings.metrics_at, token, registry)
        otlp.begin(reader, settings.metrics_address)
    except OSError as error:
        log.error("%s cannot be used (%s): set LOGSIEVE_METRICS_ADDRESS.", settings.metrics_address, error.strerror)
        return 2
    except ValueError as error:
        log.error("%s", error)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        # `shutdown` waits for `serve_forever`, which this thread runs.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    log.info("Metrics at http://%s%s", settings.metrics_address, PATH)
    with server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
