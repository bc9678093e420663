"""The page's buttons. Each one calls Airflow's own API as the user who pressed it: Airflow decides who may."""

from contextlib import closing
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import mysql.connector
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.api_fastapi.logging.decorators import action_logging
from airflow.sdk import BaseHook
from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from include.health import lease_is_free
from include.names import DRIVER, LEASE_TABLE, LOGS_DATABASE
from include.settings import Settings
from include.stop_mark import ask_to_stop
from plugins.page_app import AROUND
from plugins.page_errors import PageError

STREAM, USERS = "classify_logs", "users_dimension"
LONGEST_BACKFILL = timedelta(days=366)
_LEASE = f"SELECT heartbeat_at, UTC_TIMESTAMP(3) FROM {LOGS_DATABASE}.{LEASE_TABLE} WHERE name = %s"  # noqa: S608


class Strict(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Strict):
    """{}"""


class Days(Strict):
    """Both belong to the range."""

    begin: date = Field(alias="from")
    end: date = Field(alias="to")


class Chosen(Strict):
    """Of events in the range, or of one account."""

    begin: AwareDatetime | None = Field(None, alias="from")
    end: AwareDatetime | None = Field(None, alias="to")
    account: int | None = Field(None, ge=-(2**31), lt=2**31)


def may_act(user: Any) -> bool:
    """Whether the user may trigger the stream's DAG."""
    return get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=STREAM), user=user
    )


def same_site(request: Request) -> None:
    """Lets no foreign page press a button: the header needs its leave, and a browser tells who asks."""
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or foreign:
        raise PageError(403, "Another site asked for this.", "Use the buttons of the page Logs.")
    if request.headers.get("x-requested-with") != "logsieve":
        raise PageError(403, "The header X-Requested-With is missing.", "Use the buttons of the page Logs.")


def _acts_on(dag_id: str) -> list[Any]:
    may = Depends(requires_access_dag("POST", DagAccessEntity.RUN, dag_id))
    return [Depends(same_site), may, Depends(action_logging())]


def add(app: FastAPI) -> None:
    """Adds the routes of the buttons."""

    @app.post("/actions/backfill", dependencies=_acts_on(USERS))
    async def logs_page_backfill(request: Request, days: Days) -> dict[str, Any]:
        if not timedelta(0) <= days.end - days.begin <= LONGEST_BACKFILL:
            raise PageError(422, "The range is empty, or longer than 366 days.", "Choose another range.")
        body = {
            "dag_id": USERS,
            "from_date": f"{days.begin}T00:00:00Z",
            "to_date": f"{days.end}T00:00:00Z",
            # A day that was loaded before is loaded again: its export may have been corrected.
            "reprocess_behavior": "completed",
            "max_active_runs": 1,
        }
        await _airflow(request, "POST", "/backfills", body)
        return {"dag_id": USERS, "run_id": None, "link": f"/dags/{USERS}/backfills"}

    @app.post("/actions/rejudge", dependencies=_acts_on("rejudge_logs"))
    async def logs_page_rejudge(request: Request, chosen: Chosen) -> dict[str, Any]:
        conf: dict[str, Any] = {}
        if chosen.begin:
            conf["begin"] = chosen.begin.isoformat()
        if chosen.end:
            conf["end"] = chosen.end.isoformat()
        if chosen.account is not None:
            conf["accounts"] = [chosen.account]
        if not conf:
            raise PageError(422, "Neither a range nor an account is given.", "Choose one of them.")
        if chosen.begin and chosen.end and chosen.begin >= chosen.end:
            raise PageError(422, "The range is empty.", "Choose another range.")
        return await _trigger(request, "rejudge_logs", conf)

    @app.post("/actions/reconcile", dependencies=_acts_on("reconcile_logs"))
    async def logs_page_reconcile(request: Request, _: Nothing) -> dict[str, Any]:
        return await _trigger(request, "reconcile_logs", {})

    @app.post("/actions/start", dependencies=_acts_on(STREAM))
    async def logs_page_start(request: Request, _: Nothing) -> dict[str, Any]:
        if run := await _active_run(request):
            raise PageError(409, "A run of classify_logs is active already.", f"See {_link(STREAM, run)}.")
        return await _trigger(request, STREAM, {"trigger": Settings().trigger})

    @app.post("/actions/stop", dependencies=_acts_on(STREAM))
    async def logs_page_stop(request: Request, _: Nothing) -> dict[str, Any]:
        run = await _active_run(request)
        alive = await run_in_threadpool(_leave_the_mark)
        if run and not alive:
            # No driver sees the mark: it has not come as far as the lease, or is refused at each try.
            await _airflow(request, "PATCH", f"/dags/{STREAM}/dagRuns/{quote(run, safe='')}", {"state": "success"})
        return {"dag_id": STREAM, "run_id": run, "link": _link(STREAM, run)}


def _leave_the_mark() -> bool:
    """Asks the stream to stop, by the account that the DAGs use; whether a driver lives that sees it."""
    try:
        with closing(BaseHook.get_hook("mysql").get_conn()) as connection, closing(connection.cursor()) as cursor:
            ask_to_stop(cursor)
            connection.commit()
            cursor.execute(_LEASE, (DRIVER,))
            row = cursor.fetchone()
            return row is not None and not lease_is_free(*row)
    except mysql.connector.Error as error:
        raise PageError(503, f"MySQL does not answer: {error.msg}", "./logsieve status") from error


async def _active_run(request: Request) -> str | None:
    query = "?state=queued&state=running&limit=1&order_by=-id"
    found = (await _airflow(request, "GET", f"/dags/{STREAM}/dagRuns{query}"))["dag_runs"]
    return str(found[0]["dag_run_id"]) if found else None


async def _trigger(request: Request, dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    made = await _airflow(request, "POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
    return {"dag_id": dag_id, "run_id": made["dag_run_id"], "link": _link(dag_id, made["dag_run_id"])}


def _link(dag_id: str, run_id: str | None) -> str:
    return f"/dags/{dag_id}/runs/{quote(run_id, safe='')}" if run_id else f"/dags/{dag_id}"


async def _airflow(request: Request, method: str, path: str, body: Any = None) -> Any:
    """Calls Airflow's public API, in this process, with the request's own login. Raises PageError if it says no."""
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
    said = detail if isinstance(detail, str) else "; ".join(str(each.get("msg", each)) for each in detail)
    raise PageError(answer.status_code, f"Airflow refuses: {said}", "Look at the DAG in Airflow.")
