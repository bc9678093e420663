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
CONFLICT = {"type": "version_conflict_engine_exception", "reason": "current version [9] is higher"}
NO_ALIAS = {"type": "illegal_argument_exception", "reason": "no write index is defined for alias [server-logs]."}


def ours(**settings: str) -> dict[str, Any]:
    """Returns an index as the template creates it, with additional settings."""
    index: dict[str, Any] = json.loads(json.dumps(template()["template"]))
    return {"aliases": index["aliases"], "mappings": index["mappings"], "settings": {"index.uuid": "x", **settings}}


def error(status: int, kind: str, reason: str) -> tuple[int, Any]:
    """An answer."""
    return status, {"error": {"type": kind, "reason": reason}, "status": status}


class StagedElasticsearch:
    """`documents` holds what was accepted, by id, and `places` the index of each. Each act of `acts` is for one bulk
    request, then all is accepted:

    `"close"` drops the connection, a number answers the request with that status, a dict refuses items:
    id to (status, error). `indices` has what is there, by name: each is behind the alias. `answers` has what is
    answered instead to "METHOD /path", while it is there.
    """

    def __init__(self, *acts: Any, answers: dict[str, tuple[int, Any]] | None = None) -> None:
        self.acts = deque(acts)
        self.answers = answers or {}
        self.indices: dict[str, dict[str, Any]] = {}
        self.documents: dict[str, bytes] = {}
        self.places: dict[str, str] = {}
        self.actions: list[tuple[str, dict[str, Any]]] = []
        """The index and the action of each item of each bulk request."""
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

    def bulk(self, name: str, body: bytes) -> tuple[int, Any] | None:
        """Returns the answer to a bulk request, or None to drop the connection."""
        lines = iter(body.split(b"\n")[:-1])
        found: list[tuple[str, str, bytes]] = []
        try:
            for line in lines:
                ((action, how),) = json.loads(line).items()
                found.append((action, how["_id"], next(lines) if action == "index" else b""))
                self.actions.append((name, {action: how}))
        except (ValueError, KeyError, StopIteration):
            return 400, {"error": {"type": "illegal_argument_exception", "reason": "malformed bulk"}, "status": 400}
        self.bulks.append([document for _, document, _ in found])
        act = self.acts.popleft() if self.acts else {}
        if act == "close":
            return None
        if isinstance(act, int):
            return act, {"error": {"type": "staged", "reason": "staged"}, "status": act}
        items = []
        for action, document, source in found:
            if document in act:
                status, error = act[document]
                items.append({action: {"status": status, "error": error}})
            elif action == "delete":
                items.append({action: {"status": 404, "result": "not_found"}})
            else:
                self.documents[document], self.places[document] = source, name
                items.append({action: {"status": 201}})
        return 200, {"errors": any("error" in each for item in items for each in item.values()), "items": items}

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any] | None:
        """Returns the answer to any request."""
        name, _, rest = path.removeprefix("/").partition("/")
        if rest == "_bulk":
            return self.bulk(name, body)
        missing = error(404, "index_not_found_exception", "no such index")
        if path == "/server-logs/_alias":
            return (200, {name: {"aliases": {"server-logs": {}}} for name in self.indices}) if self.indices else missing
        if rest == "_count":
            return 200, {"count": list(self.places.values()).count(name)}
        if not rest and method == "PUT":
            self.indices[name] = ours()
        elif not rest:
            return (200, {name: self.indices[name]}) if name in self.indices else missing
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
