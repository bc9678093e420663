"""The page "Logs" as Airflow takes it: one light plugin, and no route without a user who may see the stream's runs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from include.settings import ROOT

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


def test_the_navigation_leads_to_the_page_also_below_another_path(monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.logs_page import LogsPage

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/airflow/")
    (view,) = LogsPage().external_views
    assert (view["name"], view["href"], view["nav_top_level"]) == ("Logs", "/airflow/logs/", True)
    for icon in ("icon", "icon_dark_mode"):
        assert (ROOT / "plugins" / "page" / "static" / view[icon].rsplit("/", 1)[1]).is_file()
