"""Under FAB, the auth manager for more than one person, the page asks for the same rights as under the default one."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from include.settings import ROOT

ROLES = ("Viewer", "User", "Op", "Admin")
"""FAB's own roles, of which only Viewer may not trigger a DAG."""
VISIT = """
import json, sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.api_fastapi.app import create_app
from fastapi.testclient import TestClient

roles = sys.argv[1:]
with get_application_builder() as builder:
    for role in roles:
        builder.sm.add_user(role, "A", "Person", f"{role}@example.org", builder.sm.find_role(role), "secret")

PAGE, ACTION = "/logs/data/me", "/logs/actions/reconcile"

def visit(client, **headers):
    me = client.get(PAGE, headers=headers)
    acted = client.post(ACTION, json={}, headers={"X-Requested-With": "logsieve", **headers})
    return {"me": [me.status_code, me.json()], "acted": [acted.status_code, acted.json()]}

with TestClient(create_app(), base_url="http://127.0.0.1") as client:
    found = {"": visit(client)}
    for role in roles:
        login = client.post("/auth/token", json={"username": role, "password": "secret"})
        found[role] = visit(client, Authorization=f"Bearer {login.json()['access_token']}")
print(json.dumps(found))
"""
"""Prints what each role gets from the page, and the person without a login, named ''."""


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("airflow")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "LOGSIEVE"))}
    variables = inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": "of the test, and long enough " * 3,
        "PYTHONPATH": str(ROOT),
    }
    for words in (["-m", "airflow", "db", "migrate"], ["-c", VISIT, *ROLES]):
        done = subprocess.run([sys.executable, *words], env=variables, cwd=home, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_nobody_sees_the_page_without_a_login(visits: dict[str, Any]) -> None:
    assert (visits[""]["me"][0], visits[""]["acted"][0]) == (401, 401)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_the_page_and_all_but_the_viewer_act(visits: dict[str, Any], role: str) -> None:
    may_act = role != "Viewer"
    # Airflow knows no asset yet.
    links = {"assets": "/assets", "dashboard": "", "lineage": ""}
    assert visits[role]["me"] == [200, {"name": role, "may_act": may_act, "links": links}]
    status, answer = visits[role]["acted"]
    assert status != 403 if may_act else status == 403, answer
