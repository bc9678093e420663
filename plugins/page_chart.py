"""The library that draws the chart: two files of a WebJar (conf `page` of include/stack/ivy.xml), out of the jar."""

import zipfile
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from plugins.page_errors import PageError

KINDS: Final = {"uPlot.iife.min.js": "text/javascript", "uPlot.min.css": "text/css"}
INSIDE: Final = "META-INF/resources/webjars/uplot/{version}/dist/{name}"


def add(app: FastAPI, parts: Path) -> None:
    """Adds the route of the library's files; `parts` is the folder with the jars."""

    @app.get("/assets/vendor/{name}")
    def library(request: Request, name: str) -> Response:
        jar = next((parts / "jars" / "page").glob("uplot-*.jar"), None)
        if name not in KINDS or jar is None:
            raise PageError(404, f"{name} is not there.", "./logsieve up fetches what the page draws with.")
        headers = {"ETag": f'"{jar.stem}"', "Cache-Control": "private, no-cache"}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(_read(jar, name), media_type=KINDS[name], headers=headers)


@cache
def _read(jar: Path, name: str) -> bytes:
    with zipfile.ZipFile(jar) as archive:
        return archive.read(INSIDE.format(version=jar.stem.removeprefix("uplot-"), name=name))
