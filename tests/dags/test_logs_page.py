"""The page "Logs" as Airflow takes it: one light plugin, and no route without a user who may see the stream's runs."""

import asyncio
import html.parser
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from include.settings import ROOT, Settings

LOAD = """
import sys
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
assert not errors, errors
print(sorted(plugin.name for plugin in plugins if str(plugin.source).startswith("$PLUGINS_FOLDER")))
print(sorted({"elasticsearch", "confluent_kafka", "mysql.connector", "plugins.page.routes"} & set(sys.modules)))
"""


def test_a_process_of_airflow_loads_the_page_s_name_and_none_of_its_clients() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-2:] == ["['logs_page']", "[]"], done.stdout + done.stderr


@pytest.fixture(scope="module")
def routes(airflow_home: None) -> list[Any]:
    from plugins.page.routes import make_app

    return list(make_app().routes)


def asked(dependant: Any) -> Iterator[Any]:
    """Everything that is called before a route, however deep."""
    for each in dependant.dependencies:
        yield each.call
        yield from asked(each)


def test_no_route_is_served_without_a_login_and_the_right_to_see_the_stream(routes: list[Any]) -> None:
    from airflow.api_fastapi.core_api.security import get_user, requires_access_dag

    rights = requires_access_dag("GET").__qualname__
    assert len(routes) == 13
    for route in routes:
        called = list(asked(route.dependant))
        names = [getattr(call, "__qualname__", "") for call in called]
        assert get_user in called, route.path
        assert rights in names, route.path
        if "POST" in route.methods:
            assert names.count(rights) == 2, f"{route.path}: to see, and to trigger"
            assert "same_site" in names, route.path
        else:
            assert route.methods == {"GET"}


def test_its_parameters_are_those_that_no_filter_is_named_like(routes: list[Any]) -> None:
    from include.page.fields import OWN

    def taken(dependant: Any) -> Iterator[str]:
        yield from (each.alias for each in dependant.query_params)
        for each in dependant.dependencies:
            yield from taken(each)

    data = [set(taken(route.dependant)) for route in routes if route.path.startswith("/data/")]
    assert {"status", "reason", "from", "to", "search", "size", "before"} in data
    assert set().union(*data) <= OWN


def test_it_follows_the_contract_that_is_in_effect(
    airflow_home: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from include.contract import reading
    from include.contract.changing import in_effect
    from plugins.page import routes

    monkeypatch.setenv("LOGSIEVE_STATE", str(tmp_path))
    reading.follow()
    monkeypatch.setattr(routes, "_LOOK_SECONDS", 0)
    served = []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        served.append(reading.current())

    monkeypatch.setattr(routes, "make_app", lambda: answer)
    app, others = routes.Following(), reading.load(ROOT / "tests" / "contracts" / "contract.toml")
    for _ in range(2):
        asyncio.run(app({}, None, None))
        in_effect.switch(Settings(), in_effect.write(Settings(), others))
    assert [contract == others for contract in served] == [False, True]
    monkeypatch.undo()
    reading.follow()


def test_nothing_of_the_contract_is_markup(airflow_home: None) -> None:
    from starlette.requests import Request

    from plugins.page import files

    hostile = {"label": "\"'><script>alert(1)</script>&quot;{contract}</meta>"}
    answer = files.page(Request({"type": "http", "headers": []}), hostile)
    assert answer.media_type == "text/html"
    found: list[tuple[str, dict[str, str | None]]] = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs)))

    Reader().feed(bytes(answer.body).decode())
    (content,) = [attrs["content"] for tag, attrs in found if tag == "meta" and attrs.get("name") == "contract"]
    assert json.loads(content or "") == hostile
    assert all(attrs.get("src", "").startswith("assets/") for tag, attrs in found if tag == "script")


def test_a_filter_that_is_none_is_refused_with_a_remedy(airflow_home: None) -> None:
    from fastapi import FastAPI

    from plugins.page import errors
    from plugins.page.routes import Asked

    app = FastAPI()
    errors.handle(app)

    @app.get("/")
    def show(asked: Asked) -> Any:
        return asked.fields

    async def ask(query: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as client:
            return await client.get(f"/?{query}")

    answer = asyncio.run(ask("account_id=684&device=A&device=B&status=bad&search=x"))
    assert (answer.status_code, answer.json()) == (200, [["device", ["A", "B"]], ["account_id", [684]]])
    for query in ("account_id=2147483648", "country=FR", "status=odd", "account_id=<script>", "<script>=1"):
        answer = asyncio.run(ask(query))
        assert (answer.status_code, answer.json().keys()) == (422, {"error", "remedy"}), query
        assert "<script>" not in answer.text


def test_the_navigation_leads_to_the_page_also_below_another_path(monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.logs_page import LogsPage

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/airflow/")
    (view,) = LogsPage().external_views
    assert (view["name"], view["href"], view["nav_top_level"]) == ("Logs", "/airflow/logs/", True)
    for icon in ("icon", "icon_dark_mode"):
        assert (ROOT / "plugins" / "page" / "static" / view[icon].rsplit("/", 1)[1]).is_file()


def test_requests_beyond_those_served_at_once_are_refused_and_their_turn_comes_later(
    airflow_home: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.page import app as page_app

    monkeypatch.setattr(page_app, "WAIT_SECONDS", 0.05)
    app, served, may_end = page_app.PageApp(), asyncio.Semaphore(0), asyncio.Event()

    @app.get("/slow")
    async def slow() -> dict[str, str]:
        served.release()
        await may_end.wait()
        return {}

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as client:
            first = [asyncio.create_task(client.get("/slow")) for _ in range(page_app.MOST_AT_ONCE)]
            for _ in first:
                await served.acquire()
            refused = await client.get("/slow")
            assert (refused.status_code, refused.json().keys()) == (429, {"error", "remedy"})
            assert refused.headers["cache-control"] == "no-store"
            may_end.set()
            answers = [*await asyncio.gather(*first), await client.get("/slow")]
        assert [answer.status_code for answer in answers] == [200] * (page_app.MOST_AT_ONCE + 1)

    asyncio.run(ask())
