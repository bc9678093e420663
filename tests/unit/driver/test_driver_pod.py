"""A driver's pod is judged by what the API server says of it, and an API server that is away says nothing."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from include.settings import Settings
from plugins.driver_pod import NOT_FOUND, DriverPod

RUNNING = {"phase": "Running"}


def ended(code: int, reason: str) -> dict[str, Any]:
    times = {"startedAt": None, "finishedAt": None}
    state = {"terminated": {"exitCode": code, "reason": reason, **times}}
    container = {"name": "spark", "state": state, "ready": False, "restartCount": 0, "image": "", "imageID": ""}
    return {"phase": "Failed" if code else "Succeeded", "containerStatuses": [container]}


class Server:
    """An API server with one pod, which answers each question for its status with the next of the given ones."""

    def __init__(self, address: str, answers: list[Any]) -> None:
        self.address, self.answers, self.asked = address, answers, list[str]()


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(f"{self.command} {self.path.split('?')[0]}")
            if self.path.split("?")[0].endswith("/log"):
                return self.reply(200, b"its last words")
            answer = found.answers.pop(0)
            if isinstance(answer, int):
                return self.reply(answer, b'{"kind": "Status"}')
            return self.reply(200, json.dumps({"metadata": {"name": "pod"}, "status": answer}).encode())

        def do_DELETE(self) -> None:
            found.asked.append(f"{self.command} {self.path.split('?')[0]}")
            self.reply(200, b"{}")

        def reply(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        found = Server(f"http://127.0.0.1:{http.server_port}", [])
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield found
        http.shutdown()


@pytest.fixture
def pod(server: Server, tmp_path: Path, monkeypatch) -> Callable[..., DriverPod]:
    monkeypatch.setattr("plugins.driver_pod.POLL_SECONDS", 0)
    file = tmp_path / "kubeconfig"
    content = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [{"name": "u", "user": {"token": "t"}}],
        "clusters": [{"name": "k", "cluster": {"server": server.address}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
    }  # fmt: skip
    file.write_text(json.dumps(content))

    def made(*answers: Any) -> DriverPod:
        server.answers[:] = answers
        return DriverPod(Settings(kubeconfig=file), "logs:pod")

    return made


def test_a_driver_that_ends_well_is_removed_after_its_last_words(pod, server: Server, caplog) -> None:
    caplog.set_level("INFO")
    pod(RUNNING, RUNNING, ended(0, "Completed")).wait()
    path = "/api/v1/namespaces/logs/pods/pod"
    assert server.asked == [*[f"GET {path}"] * 3, f"GET {path}/log", f"DELETE {path}"]
    assert "its last words" in caplog.text


@pytest.mark.parametrize(("code", "reason"), [(75, "Error"), (137, "OOMKilled")])
def test_a_driver_that_fails_raises_with_its_exit_code(pod, server: Server, code: int, reason: str) -> None:
    with pytest.raises(RuntimeError, match=rf"pod exited with {code} \({reason}\)"):
        pod(RUNNING, ended(code, reason)).wait()
    assert server.asked[-1].startswith("DELETE")


def test_a_pod_that_is_deleted_is_a_failure(pod) -> None:
    with pytest.raises(RuntimeError, match="deleted"):
        pod(RUNNING, 404).wait()
    assert pod(404).settle() == NOT_FOUND


def test_the_next_try_removes_the_pod_of_the_one_before(pod, server: Server) -> None:
    assert pod(RUNNING).settle() == "Running"
    assert "DELETE" not in " ".join(server.asked)
    assert pod(ended(137, "Error")).settle() == "Failed"
    assert server.asked[-1].startswith("DELETE")


def test_a_pod_that_was_evicted_says_why(pod) -> None:
    with pytest.raises(RuntimeError, match="Evicted The node was low on memory"):
        pod({"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"}).wait()


def test_an_api_server_that_is_away_is_waited_for(pod, caplog) -> None:
    pod(RUNNING, 503, 503, RUNNING, ended(0, "Completed")).wait()
    assert caplog.text.count("Kubernetes does not answer") == 1


def test_an_api_server_that_refuses_us_is_not(pod) -> None:
    with pytest.raises(Exception, match="403"):
        pod(403).wait()


def test_it_says_what_a_pod_waits_for(pod, caplog) -> None:
    caplog.set_level("INFO")
    waiting = {"name": "spark", "ready": False, "restartCount": 0, "image": "", "imageID": ""}
    waiting["state"] = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    pod({"phase": "Pending", "containerStatuses": [waiting]}, ended(0, "Completed")).wait()
    assert "Pending, ErrImagePull: no such image" in caplog.text
