"""Airflow's public API, called inside its API server as the current user, so Airflow checks the permissions."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import Request

from plugins.page import runs as page_runs
from plugins.page.app import AROUND
from plugins.page.errors import PageError


async def active_run(request: Request, dag_id: str) -> str | None:
    """Id of the DAG's newest active run; None: there is none."""
    query = "?state=queued&state=running&limit=1&order_by=-id"
    found = (await call(request, "GET", f"/dags/{dag_id}/dagRuns{query}"))["dag_runs"]
    return str(found[0]["dag_run_id"]) if found else None


async def trigger(request: Request, dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    """Starts a run and returns its `started`."""
    made = await call(request, "POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
    return started(dag_id, [made["dag_run_id"]])


def started(dag_id: str, run_ids: Iterable[str]) -> dict[str, Any]:
    """The page's response: dag_id, link (to the DAG), and runs, each with run_id and link."""
    runs = [{"run_id": run_id, "link": link(dag_id, run_id)} for run_id in run_ids]
    return {"dag_id": dag_id, "link": link(dag_id), "runs": runs}


def link(dag_id: str, run_id: str | None = None) -> str:
    """Link to the run, or to the DAG, in Airflow's UI."""
    place = f"{page_runs.base()}/dags/{dag_id}"
    return f"{place}/runs/{quote(run_id, safe='')}" if run_id else place


async def call(request: Request, method: str, path: str, body: Any = None) -> Any:
    """Calls Airflow's public API in this process with the request's login. Raises PageError if Airflow refuses."""
    login = {name: request.headers[name] for name in ("authorization", "cookie") if name in request.headers}
    inside = httpx.ASGITransport(request.scope[AROUND], raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=inside, base_url="http://airflow", headers=login) as client:
        answer = await client.request(method, f"/api/v2{path}", json=body)
    if answer.is_success:
        return answer.json()
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError):
        detail = answer.reason_phrase
    reason = detail if isinstance(detail, str) else "; ".join(str(each.get("msg", each)) for each in detail)
    raise PageError(answer.status_code, f"Airflow refused: {reason}", "Check the DAG in Airflow.")
