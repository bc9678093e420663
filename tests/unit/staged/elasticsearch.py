"""An Elasticsearch on loopback that fails as scripted: each bulk request gets the next act of a list."""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from include.index.template import template

REFUSED = {"type": "document_parsing_exception", "reason": "failed to parse"}
BUSY = {"type": "es_rejected_execution_exception", "reason": "queue is full"}
BLOCKED = {"type": "cluster_block_exception", "reason": "index is read-only"}
CLOSED = {"type": "index_closed_exception", "reason": "closed"}
FULL = {
    "type": "illegal_argument_exception",
    "reason": "Number of documents in the shard cannot exceed [2147483519]; for more information, see [an address]",
}
NO_ALIAS = {"type": "illegal_argument_exception", "reason": "no write index is defined for alias [server-logs]."}


def ours(**settings: str) -> dict[str, Any]:
    """Returns the index as the template creates it, with additional settings."""
    index: dict[str, Any] = json.loads(json.dumps(template()["template"]))
    return {"aliases": {}, "mappings": index["mappings"], "settings": {"index.uuid": "x", **settings}}


def error(status: int, kind: str, reason: str) -> tuple[int, Any]:
    """An answer."""
    return status, {"error": {"type": kind, "reason": reason}, "status": status}


class StagedElasticsearch:
    """`documents` holds what was accepted, by id. Each act of `acts` is for one bulk request, then all is accepted:

    `"close"` drops the connection, a number answers the request with that status, a dict refuses items:
    id to (status, error). `index` is what is there under the name server-logs, None: nothing yet. `answers` has what is
    answered instead to "METHOD /path", while it is there.
    """

    def __init__(self, *acts: Any, answers: dict[str, tuple[int, Any]] | None = None) -> None:
        self.acts = deque(acts)
        self.answers = answers or {}
        self.index: dict[str, Any] | None = None
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
        """Returns the answer to a bulk request, or None to drop the connection."""
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

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
        """Returns the answer to any request."""
        if path.endswith("/_bulk"):
            return self.bulk(body)
        if path == "/server-logs" and method == "PUT":
            self.index = ours()
        elif path == "/server-logs":
            missing = error(404, "index_not_found_exception", "no such index")
            return missing if self.index is None else (200, {"server-logs": self.index})
        return 200, {"acknowledged": True}

    def _handler(stage) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0]
                with stage.lock:
                    stage.requests.append(f"{self.command} {path}")
                    found = stage.answers.get(f"{self.command} {path}") or stage.answer(self.command, path, body)
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
                """Logs nothing: the tests' output is for failures."""

        return Handler
