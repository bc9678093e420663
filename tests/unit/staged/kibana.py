"""A Kibana on loopback that answers each import as told; after its acts it takes everything."""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

ACCEPTED = {"success": True, "successCount": 3, "warnings": [], "successResults": []}


class StagedKibana:
    """Each act is for one request: `"close"` drops the connection, a number is its status, a dict its answer."""

    def __init__(self, *acts: Any) -> None:
        self.acts = deque(acts)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        """Path, headers and body of each request."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "StagedKibana":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        staged = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                staged.requests.append((self.path, dict(self.headers), body))
                act = staged.acts.popleft() if staged.acts else ACCEPTED
                if act == "close":
                    self.close_connection = True
                    return
                said = json.dumps(act).encode() if isinstance(act, dict) else b"Kibana server is not ready yet"
                self.send_response(200 if isinstance(act, dict) else act)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
