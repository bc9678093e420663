"""The page's buttons. Each calls Airflow's own API as the current user, so Airflow checks the permissions."""

import asyncio
import time
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.api_fastapi.logging.decorators import action_logging
from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from include.names import CLASSIFY_DAG, RECONCILE_DAG, REJUDGE_DAG, USERS_DAG
from include.settings import Settings
from plugins.page import inside, runs, stream
from plugins.page.errors import PageError

LONGEST_BACKFILL = timedelta(days=366)
ENDING_SECONDS = 15
"""How long a run may take to end after its driver."""


class Strict(BaseModel):
    """A request body without unknown fields."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Strict):
    """The empty body {}."""


class Days(Strict):
    """A range of days, both inclusive."""

    begin: date = Field(alias="from")
    end: date = Field(alias="to")


class Chosen(Strict):
    """Logs to rejudge: of events in a range, or of one account."""

    begin: AwareDatetime | None = Field(None, alias="from")
    end: AwareDatetime | None = Field(None, alias="to")
    account: int | None = Field(None, ge=-(2**31), lt=2**31)


def may_act(user: Any) -> bool:
    """Whether the user may trigger the stream's DAG."""
    return get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=CLASSIFY_DAG), user=user
    )


def same_site(request: Request) -> None:
    """Rejects requests from other sites, by the Origin, Sec-Fetch-Site and X-Requested-With headers."""
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or foreign:
        raise PageError(403, "The request came from another site.", "Use the buttons of the page Logs.")
    if request.headers.get("x-requested-with") != "logsieve":
        raise PageError(403, "The header X-Requested-With is missing.", "Use the buttons of the page Logs.")


def _acts_on(dag_id: str) -> list[Any]:
    may = Depends(requires_access_dag("POST", DagAccessEntity.RUN, dag_id))
    return [Depends(same_site), may, Depends(action_logging())]


def add(app: FastAPI) -> None:
    """Adds the routes of the buttons."""

    @app.post("/actions/backfill", dependencies=_acts_on(USERS_DAG))
    async def logs_page_backfill(request: Request, days: Days) -> dict[str, Any]:
        if not timedelta(0) <= days.end - days.begin <= LONGEST_BACKFILL:
            raise PageError(422, "The range is empty, or longer than 366 days.", "Choose another range.")
        body = {
            "dag_id": USERS_DAG,
            "from_date": f"{days.begin}T00:00:00Z",
            "to_date": f"{days.end}T00:00:00Z",
            # Loaded days are loaded again: their exports may have been corrected.
            "reprocess_behavior": "completed",
            "max_active_runs": 1,
        }
        made = await inside.call(request, "POST", "/backfills", body)
        return inside.started(USERS_DAG, await run_in_threadpool(runs.of_backfill, made["id"]))

    @app.post("/actions/rejudge", dependencies=_acts_on(REJUDGE_DAG))
    async def logs_page_rejudge(request: Request, chosen: Chosen) -> dict[str, Any]:
        conf: dict[str, Any] = {}
        if chosen.begin:
            conf["begin"] = chosen.begin.isoformat()
        if chosen.end:
            conf["end"] = chosen.end.isoformat()
        if chosen.account is not None:
            conf["accounts"] = [chosen.account]
        if not conf:
            raise PageError(422, "There is neither a range nor an account.", "Choose one of them.")
        if chosen.begin and chosen.end and chosen.begin >= chosen.end:
            raise PageError(422, "The range is empty.", "Choose another range.")
        return await inside.trigger(request, REJUDGE_DAG, conf)

    @app.post("/actions/reconcile", dependencies=_acts_on(RECONCILE_DAG))
    async def logs_page_reconcile(request: Request, _: Nothing) -> dict[str, Any]:
        return await inside.trigger(request, RECONCILE_DAG, {})

    @app.post("/actions/start", dependencies=_acts_on(CLASSIFY_DAG))
    async def logs_page_start(request: Request, _: Nothing) -> dict[str, Any]:
        # Starting the stream implies unpausing its DAG.
        await inside.call(request, "PATCH", f"/dags/{CLASSIFY_DAG}", {"is_paused": False})
        if run := await _run_that_stays(request):
            raise PageError(409, "A run of classify_logs is already active.", f"See {inside.link(CLASSIFY_DAG, run)}.")
        return await inside.trigger(request, CLASSIFY_DAG, {"trigger": Settings().trigger})

    @app.post("/actions/stop", dependencies=_acts_on(CLASSIFY_DAG))
    async def logs_page_stop(request: Request, _: Nothing) -> dict[str, Any]:
        run = await inside.active_run(request, CLASSIFY_DAG)
        alive = await run_in_threadpool(stream.set_stop_mark)
        if run and not alive:
            # No driver will detect the mark: none has the lease yet, or none can start.
            await inside.call(
                request, "PATCH", f"/dags/{CLASSIFY_DAG}/dagRuns/{quote(run, safe='')}", {"state": "success"}
            )
        return inside.started(CLASSIFY_DAG, [run] if run else [])


async def _run_that_stays(request: Request) -> str | None:
    """The active run, after giving a run whose driver was stopped time to end."""
    until = time.monotonic() + ENDING_SECONDS
    while run := await inside.active_run(request, CLASSIFY_DAG):
        stopping = await run_in_threadpool(stream.is_stopping)
        if not stopping or time.monotonic() > until:
            break
        await asyncio.sleep(0.5)
    return run
