"""A fake Airflow on loopback, whose REST API returns the given answers."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class StagedAirflow:
    """Address and passwords, for AirflowApi."""

    airflow_url: str
    passwords: Mapping[str, str] = field(default_factory=lambda: {"airflow_admin": "any"})


@contextmanager
def staged(answers: Mapping[str, Any]) -> Iterator[StagedAirflow]:
    """`answers`: by the path after /api/v2, with the query if it matters. Other paths return 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer({"access_token": "token"})

        def do_GET(self) -> None:
            whole = self.path.removeprefix("/api/v2")
            self.answer(answers.get(whole, answers.get(whole.split("?")[0])))

        def answer(self, body: Any) -> None:
            said = json.dumps(body).encode()
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield StagedAirflow(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
