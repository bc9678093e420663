"""The routes of the page "Logs". All, including files, require an Airflow user who may see the stream's runs."""

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import Response

from include.contract import reading
from include.names import CLASSIFY_DAG
from include.page import fields
from include.page.filters import LONGEST, Filters, WrongFilterError, chosen
from include.page.listing import Place
from include.settings import Settings
from plugins.page import actions, errors, files, links
from plugins.page.app import PageApp
from plugins.page.data import PageData
from plugins.page.errors import PageError

_LOOK_SECONDS = 2

Values = Annotated[list[Annotated[str, Query(max_length=200)]], Query(max_length=50)]
OLDEST = datetime(1971, 1, 1, tzinfo=UTC)
Statuses = Annotated[list[Literal["good", "bad", "suspicious"]], Query(max_length=3)]


def filters(
    request: Request,
    status: Statuses = [],  # noqa: B006  # FastAPI copies defaults
    reason: Values = [],  # noqa: B006
    begin: Annotated[datetime | None, Query(alias="from")] = None,
    end: Annotated[datetime | None, Query(alias="to")] = None,
) -> Filters:
    """The filters in the query parameters, those by the contract's fields too. A range up to now is rounded to whole
    seconds so that results are shared."""
    now = datetime.now(UTC)
    wanted_end = _utc(end or now)
    wanted_begin = _utc(begin) if begin else max(wanted_end, OLDEST) - timedelta(hours=1)
    if wanted_end >= now - timedelta(seconds=2):
        wanted_end = now.replace(microsecond=0) + timedelta(seconds=1)
        wanted_begin = wanted_begin.replace(microsecond=0)
    if not timedelta(0) < wanted_end - wanted_begin <= LONGEST + timedelta(seconds=2):
        raise PageError(422, "The range is empty, or longer than 31 days.", "Choose another range.")
    if wanted_begin < OLDEST:
        raise PageError(422, "There are no logs that old.", "Choose another range.")
    try:
        by_fields = chosen(reading.current(), request.query_params.multi_items())
    except WrongFilterError as error:
        raise PageError(422, error.message, error.remedy) from None
    return Filters(wanted_begin, wanted_end, tuple(status), tuple(reason), by_fields)


Asked = Annotated[Filters, Depends(filters)]


class Following:
    """The application, built again once another contract is in effect."""

    def __init__(self) -> None:
        self._app = make_app()
        self._looked_at = time.monotonic()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers one request."""
        if time.monotonic() - self._looked_at > _LOOK_SECONDS:
            self._looked_at = time.monotonic()
            if reading.follow():
                self._app = make_app()
        await self._app(scope, receive, send)


def make_app() -> FastAPI:
    """Builds the application. No server is contacted before the first request."""
    reads = Depends(requires_access_dag("GET", DagAccessEntity.RUN, CLASSIFY_DAG))
    app = PageApp(dependencies=[reads], openapi_url=None, docs_url=None, redoc_url=None)
    errors.handle(app)
    actions.add(app)
    settings, contract = Settings(), reading.current()
    data = PageData(settings, contract)

    @app.get("/")
    def index(request: Request) -> Response:
        return files.page(request, fields.for_browser(contract))

    @app.get("/assets/{name}")
    def asset(request: Request, name: str) -> Response:
        return files.own(request, name)

    @app.get("/assets/vendor/{name}")
    def vendor(request: Request, name: str) -> Response:
        return files.vendor(request, name, settings.parts)

    @app.get("/data/me")
    def me(user: GetUserDep) -> dict[str, Any]:
        whose = {"name": user.get_name(), "may_act": actions.may_act(user)}
        return whose | {"links": links.of(settings)}

    @app.get("/data/summary")
    def summary(asked: Asked) -> dict[str, Any]:
        return data.summary(asked)

    @app.get("/data/hops")
    def hops() -> dict[str, Any]:
        return data.hops()

    @app.get("/data/logs")
    def logs(
        asked: Asked,
        search: Annotated[str, Query(max_length=fields.longest_search(contract))] = "",
        size: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Annotated[str | None, Query(max_length=60)] = None,
    ) -> dict[str, Any]:
        place = Place.of(before) if before else None
        if before and place is None:
            raise PageError(422, "This is not a position in the list.", "Start from the first page.")
        return data.logs(asked, search.strip(), size, place)

    @app.get("/data/log/{origin}")
    def log(origin: str) -> dict[str, Any]:
        return data.story(origin[:64])

    return app


def _utc(time: datetime) -> datetime:
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        raise PageError(422, "In UTC, this is before the year 1 or after 9999.", "Choose another range.") from None
