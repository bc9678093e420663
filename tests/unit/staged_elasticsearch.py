"""An Elasticsearch on loopback that fails as told: it answers each bulk request by the next act of a list."""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

REFUSED = {"type": "document_parsing_exception", "reason": "failed to parse"}
BUSY = {"type": "es_rejected_execution_exception", "reason": "queue is full"}
BLOCKED = {"type": "cluster_block_exception", "reason": "index is read-only"}
CLOSED = {"type": "index_closed_exception", "reason": "closed"}
FULL = {
    "type": "illegal_argument_exception",
    "reason": "Number of documents in the shard cannot exceed [2147483519]; for more information, see [an address]",
}
NO_ALIAS = {"type": "illegal_argument_exception", "reason": "no write index is defined for alias [server-logs]."}


class StagedElasticsearch:
    """`documents` holds what was accepted, by id. Each act of `acts` is for one bulk request, then all is accepted:

    `"close"` drops the connection, a number answers the request with that status, a dict refuses items:
    id to (status, error).
    """

    def __init__(self, *acts: Any, fits: bool = True) -> None:
        self.acts = deque(acts)
        self.fits = fits
        self.documents: dict[str, bytes] = {}
        self.bulks: list[list[str]] = []
        """Ids of each bulk request, accepted or not."""
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "StagedElasticsearch":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def bulk(self, body: bytes) -> tuple[int, Any] | None:
        """The answer to a bulk request, None to drop the connection."""
        lines = body.split(b"\n")[:-1]
        try:
            pairs = [
                (json.loads(action)["index"]["_id"], source)
                for action, source in zip(lines[::2], lines[1::2], strict=True)
            ]
        except (ValueError, KeyError):
            return 400, {"error": {"type": "illegal_argument_exception", "reason": "malformed bulk"}, "status": 400}
        self.bulks.append([document for document, _ in pairs])
        act = self.acts.popleft() if self.acts else {}
        if act == "close":
            return None
        if isinstance(act, int):
            return act, {"error": {"type": "staged", "reason": "staged"}, "status": act}
        items = []
        for document, source in pairs:
            if document in act:
                status, error = act[document]
                items.append({"index": {"status": status, "error": error}})
            else:
                self.documents[document] = source
                items.append({"index": {"status": 201}})
        return 200, {"errors": any("error" in item["index"] for item in items), "items": items}

    def _handler(stage) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0]
                with stage.lock:
                    stage.requests.append(f"{self.command} {path}")
                    found = stage.bulk(body) if path.endswith("/_bulk") else (200, {"acknowledged": True})
                if path.endswith("/_mapping") and not stage.fits:
                    found = (
                        400,
                        {"error": {"type": "illegal_argument_exception", "reason": "cannot be changed"}, "status": 400},
                    )
                if found is None:
                    self.close_connection = True
                    return
                text = b"" if self.command == "HEAD" else json.dumps(found[1]).encode()
                self.send_response(found[0])
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_HEAD = do_PUT = do_POST = answer

            def log_message(self, *_: Any) -> None:
                """Says nothing: the tests' output is for failures."""

        return Handler
