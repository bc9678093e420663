"""Static files of the page: those in plugins/page/static, and the chart library in its fetched archive."""

import html
import json
import mimetypes
import zipfile
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response

from include.settings import ROOT
from plugins.page.errors import REMEDIES, PageError

FILES: Final = ROOT / "plugins" / "page" / "static"
KINDS: Final = {".html", ".css", ".js", ".svg", ".png"}
VENDOR: Final = {"uPlot.iife.min.js", "uPlot.min.css"}


def page(request: Request, contract: dict[str, Any]) -> Response:
    """The page itself, with the contract as JSON in an attribute, where nothing of it is markup or runs."""
    name = "index.html"
    text = (FILES / name).read_text(encoding="utf-8").replace("{contract}", html.escape(json.dumps(contract)))
    return _answer(request, name, text.encode())


def own(request: Request, name: str) -> Response:
    """A file in plugins/page/static. Raises PageError if it does not exist."""
    path = FILES / name
    if path.parent != FILES or path.suffix not in KINDS or not path.is_file():
        raise PageError(404, "This file does not exist.", REMEDIES[404])
    return _answer(request, name, path.read_bytes())


def vendor(request: Request, name: str, parts: Path) -> Response:
    """A file of the chart library. Raises PageError if the file or the library does not exist."""
    if name not in VENDOR:
        raise PageError(404, "This file does not exist.", REMEDIES[404])
    jars = sorted((parts / "jars" / "page").glob("uplot-*.jar"))
    if not jars:
        raise PageError(404, f"The chart library is missing in {parts}.", "./logsieve up fetches it.")
    return _answer(request, name, _packed(jars[-1], name))


@lru_cache(maxsize=8)
def _packed(jar: Path, name: str) -> bytes:
    with zipfile.ZipFile(jar) as packed:
        (place,) = [place for place in packed.namelist() if place.endswith(f"/dist/{name}")]
        return packed.read(place)


def _answer(request: Request, name: str, content: bytes) -> Response:
    """The response; browsers may cache the file but must revalidate it."""
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=mimetypes.guess_type(name)[0], headers=headers)
