"""The endpoint: who may read it, in which format, and what becomes of servers that hang."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from confluent_kafka import KafkaError, KafkaException
from prometheus_client import CollectorRegistry, Gauge

from include.metrics.asking import Answer, Asking
from include.metrics.server import MetricsServer

TOKEN = "a secret of the tests"


@pytest.fixture
def url() -> Iterator[str]:
    registry = CollectorRegistry()
    Gauge("some", "A gauge", registry=registry).set(7)
    with MetricsServer(("127.0.0.1", 0), TOKEN, registry) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def get(url: str, token: str | None = TOKEN, **headers: str) -> httpx.Response:
    authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.get(url, headers=authorization | headers, trust_env=False)


@pytest.mark.parametrize("token", [None, "another", TOKEN[:-1], TOKEN + "x", TOKEN.upper()])
def test_without_the_token_nothing_is_told(url: str, token: str | None) -> None:
    for path in ("/metrics", "/", "/elsewhere"):
        answer = get(url + path, token)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "some" not in answer.text


def test_the_format_is_the_one_that_is_asked_for(url: str) -> None:
    plain = get(f"{url}/metrics")
    assert (plain.status_code, "some 7.0" in plain.text) == (200, True)
    assert plain.headers["Content-Type"].startswith("text/plain")
    asked = get(f"{url}/metrics", Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert asked.headers["Content-Type"].startswith("application/openmetrics-text")
    assert asked.text.endswith("# EOF\n")


def test_only_one_path_is_served(url: str) -> None:
    assert get(f"{url}/secrets").status_code == 404


def test_a_server_that_hangs_is_asked_once_and_delays_by_the_limit_only() -> None:
    free, asked = threading.Event(), []

    def hang() -> int:
        asked.append(1)
        free.wait(30)
        return 5

    asking = Asking("kafka", hang, seconds=0.1)
    begun = time.monotonic()
    for _ in range(3):
        asking.begin()
        assert asking.answer() == Answer()
    assert (len(asked), time.monotonic() - begun < 5) == (1, True)
    free.set()
    assert asking.answer().found == 5
    asking.begin()
    assert (asking.answer().found, len(asked)) == (5, 2)


def test_a_server_that_refuses_is_down_and_a_mistake_of_ours_is_not_hidden() -> None:
    def refuse() -> int:
        raise KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN))

    def mistake() -> int:
        raise KeyError("ours")

    down, wrong = Asking("kafka", refuse), Asking("kafka", mistake)
    down.begin()
    wrong.begin()
    assert down.answer() == Answer()
    with pytest.raises(KeyError, match="ours"):
        wrong.answer()
