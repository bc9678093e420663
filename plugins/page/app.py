"""The page's FastAPI application: common response headers, a bound on what runs at once, and access to the surrounding
Airflow application."""

import asyncio
from typing import Any, Final

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from plugins.page.errors import answer

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MOST_AT_ONCE: Final = 8
"""A request keeps one of the API server's 40 threads, which the heartbeats of Airflow's tasks need too."""
WAIT_SECONDS: Final = 5.0
"""How long a request waits for its turn, which keeps no thread."""
AROUND: Final = "logsieve.airflow"
"""Key in a request's scope for the Airflow application that this one is mounted in."""


class PageApp(FastAPI):
    """Adds HEADERS to each response, and `no-store` unless it has a Cache-Control header.

    Serves MOST_AT_ONCE requests at once; answers 429 to one whose turn does not come within WAIT_SECONDS.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        scope[AROUND] = scope.get("app")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await asyncio.wait_for(self._turns.acquire(), WAIT_SECONDS)
        except TimeoutError:
            busy = answer(429, "Too many requests wait for this page.", "Close other windows of it, or wait.")
            await busy(scope, receive, send_with_headers)
            return
        try:
            await super().__call__(scope, receive, send_with_headers)
        finally:
            self._turns.release()
