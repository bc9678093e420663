"""Alerts are logged, and reach a real Slack-like and a real SMTP server when there is a connection for it."""

import base64
import email
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

Printed = Callable[[], str]
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


class Webhook(ThreadingHTTPServer):
    """Takes messages as Slack does, or refuses them with `code`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.code, self.taken = 200, []
        self.url = f"http://127.0.0.1:{self.server_port}/services/T0/B0/secret"


class _Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, json.loads(body)))
        self.send_response(self.server.code)
        self.end_headers()
        self.wfile.write(b"ok" if self.server.code == 200 else b"no_service")

    def log_message(self, *args: Any) -> None:
        pass


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as smtplib needs, without TLS and login."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.taken: list[tuple[list[str], Message]] = []


class _Mail(socketserver.StreamRequestHandler):
    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def handle(self) -> None:
        envelope: list[str] = []
        self.say(b"220 here")
        while line := self.rfile.readline().strip():
            verb = line[:4].upper()
            if verb in (b"MAIL", b"RCPT"):
                envelope.append(line.split(b"<")[1].split(b">")[0].decode())
            if verb == b"DATA":
                self.say(b"354 go on")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                self.server.taken.append((envelope, email.message_from_bytes(b"".join(lines))))
            self.say(b"221 bye" if verb == b"QUIT" else b"250 well")


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """All that was logged up to now; Airflow's loggers print."""
    log: list[str] = []

    def read() -> str:
        log.extend(capsys.readouterr())
        return "".join(log)

    return read


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        connect(monkeypatch, "ALERTS_SLACK", conn_type="slackwebhook", password=server.url)
        yield server
        server.shutdown()


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address
        plain = {"disable_ssl": True, "disable_tls": True, "retry_limit": 0}
        people = {"from_email": "logsieve@example.org", "to": "one@example.org, two@example.org"}
        connect(monkeypatch, "ALERTS_EMAIL", conn_type="smtp", host=host, port=port, extra=plain | people)
        yield server
        server.shutdown()


def connect(monkeypatch: pytest.MonkeyPatch, name: str, **parts: Any) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(parts))


def failure(exception: Exception | None, run_type: str = "manual", before: Any = None) -> Any:
    """What Airflow hands to a callback of a failed task; `before` is the task in the run before."""
    ti = SimpleNamespace(
        dag_id="watch_logs", task_id="breaker", log_url="http://airflow/log", get_previous_ti=lambda: before
    )
    dag_run = SimpleNamespace(run_type=run_type, logical_date=NOON + timedelta(minutes=25))
    return {"ti": ti, "dag_run": dag_run, "exception": exception}


def run_before(state: str, minutes: int, run_type: str = "scheduled") -> Any:
    at = NOON + timedelta(minutes=minutes)
    return SimpleNamespace(state=state, logical_date=at, run_id=f"{run_type}__{at.isoformat()}")


def alert(context: Any, remedy: str = "") -> None:
    from plugins.alert import Alert

    Alert(remedy)(context)


WRONG = ValueError('31.0% are bad\nnot_json: 9, for example 0-7: {"a": <!channel> & "Zürich"}')


def test_without_a_connection_it_is_in_the_log(printed: Printed) -> None:
    alert(failure(WRONG), "Look at the sender.")
    log = printed()
    for words in ("[error", "watch_logs: breaker failed", str(WRONG), "Look at the sender.", "http://airflow/log"):
        assert words in log


def test_slack_and_email_get_it_too(slack: Webhook, mail: MailServer, printed: Printed) -> None:
    alert(failure(WRONG))
    ((path, message),) = slack.taken
    assert path == "/services/T0/B0/secret"
    assert message["text"].startswith("watch_logs: breaker failed\n31.0% are bad\n")
    assert '{"a": &lt;!channel&gt; &amp; "Zürich"}' in message["text"], "an example calls nobody"
    ((envelope, letter),) = mail.taken
    assert envelope == ["logsieve@example.org", "one@example.org", "two@example.org"]
    assert letter["Subject"] == "Logsieve: watch_logs: breaker failed"
    (body,) = [base64.b64decode(part.get_payload()).decode() for part in letter.get_payload()]
    assert "&lt;!channel&gt; &amp; &quot;Zürich&quot;}" in body
    assert str(WRONG).splitlines()[0] in printed()


def test_what_slack_refuses_is_still_mailed_and_the_log_says_what_to_do(
    slack: Webhook, mail: MailServer, printed: Printed
) -> None:
    slack.code = 404
    alert(failure(WRONG))
    assert len(mail.taken) == 1
    assert "not sent through the connection alerts_slack: Slack answered 404 'no_service'. Create a new" in printed()
    assert "secret" not in printed()


def test_servers_that_are_away_do_not_hide_the_alert(monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    with Webhook() as closed:
        pass
    connect(monkeypatch, "ALERTS_SLACK", conn_type="slackwebhook", password=closed.url)
    people = {"from_email": "a@example.org", "to": "b@example.org", "disable_ssl": True}
    connect(monkeypatch, "ALERTS_EMAIL", conn_type="smtp", host="127.0.0.1", port=closed.server_port, extra=people)
    alert(failure(WRONG))
    assert printed().index("31.0% are bad") < printed().index("not sent through the connection alerts_slack")
    assert "not sent through the connection alerts_email: ConnectionRefusedError" in printed()
    assert "secret" not in printed()


@pytest.mark.parametrize("url", ["", "hooks.slack.com/secret", "http://[secret"])
def test_a_password_that_is_no_url_is_told(monkeypatch: pytest.MonkeyPatch, printed: Printed, url: str) -> None:
    connect(monkeypatch, "ALERTS_SLACK", conn_type="slackwebhook", password=url)
    alert(failure(WRONG))
    assert "Is its password the URL of an incoming webhook" in printed()
    assert "secret" not in printed()


def test_a_connection_without_addresses_is_told(monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    connect(monkeypatch, "ALERTS_EMAIL", conn_type="smtp", host="127.0.0.1", extra={"from_email": "a@example.org"})
    alert(failure(WRONG))
    assert "Its extra lacks `to` or `from_email`. Add the addresses." in printed()


def test_a_task_that_was_killed_alerts_too(slack: Webhook) -> None:
    context = failure(None)
    del context["dag_run"], context["exception"]
    alert(context)
    assert "Its process died without an error message." in slack.taken[0][1]["text"]


@pytest.mark.parametrize(
    ("run_type", "before", "sent"),
    [
        ("scheduled", None, True),
        ("scheduled", run_before("success", 20), True),
        ("scheduled", run_before("failed", 20), False),
        ("scheduled", run_before("failed", 0), False),
        ("scheduled", run_before("failed", -5), True),
        ("scheduled", run_before("failed", 22, "manual"), True),
        ("manual", run_before("failed", 20), True),
    ],
)
def test_a_task_that_stays_red_is_sent_once_an_hour_and_logged_always(
    slack: Webhook, printed: Printed, run_type: str, before: Any, sent: bool
) -> None:
    alert(failure(WRONG, run_type, before))
    assert bool(slack.taken) is sent
    assert "31.0% are bad" in printed()
