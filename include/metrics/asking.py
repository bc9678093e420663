"""Asks a server within a time limit. A server that hangs delays no scrape by more, and is asked once at a time."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from include.clients.errors import SERVER_ERRORS, reason

T = TypeVar("T")

SECONDS: Final = 4.0
"""Time limit of an answer. Prometheus gives up after ten seconds by default."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What the server told, and how many seconds it took. None: it did not answer."""

    found: T | None = None
    seconds: float | None = None


class Asking(Generic[T]):
    """Asks one server. For one caller at a time."""

    def __init__(self, server: str, read: Callable[[], T], seconds: float = SECONDS) -> None:
        """`read` may raise SERVER_ERRORS."""
        self._server, self._read, self._seconds = server, read, seconds
        self._asked: Future[Answer[T]] = Future()
        self._asked.set_result(Answer())
        self._was_down = False

    def begin(self) -> None:
        """Asks in a thread of its own, unless the last question is still open."""
        if self._asked.done():
            self._asked = Future()
            # A daemon: a server that never answers must not keep the program from ending.
            threading.Thread(target=self._ask, args=(self._asked,), name=self._server, daemon=True).start()

    def answer(self) -> Answer[T]:
        """The answer to the question of `begin`. Raises what `read` raises, apart from SERVER_ERRORS."""
        wait([self._asked], self._seconds)
        try:
            found = self._asked.result(0) if self._asked.done() else Answer[T]()
            why = f"it has not answered for {self._seconds:g} s"
        except SERVER_ERRORS as error:
            found, why = Answer(), reason(error)
        is_down = found.found is None
        if is_down != self._was_down:
            log.warning("%s: %s", self._server, why if is_down else "it answers again")
            self._was_down = is_down
        return found

    def _ask(self, asked: "Future[Answer[T]]") -> None:
        begun = time.monotonic()
        try:
            found = self._read()
        except BaseException as error:  # noqa: BLE001  # `answer` raises it
            asked.set_exception(error)
        else:
            asked.set_result(Answer(found, time.monotonic() - begun))
