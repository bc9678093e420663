"""How a driver ends other than by a crash: one line in the log and an exit code for each reason."""

import threading
from typing import ClassVar


class EndError(RuntimeError):
    """An end that is told in one line, without a trace. Each kind has its own exit code; 0 is a good end."""

    exit_code: ClassVar[int] = 1


class QueryFailedError(EndError):
    """A query ended by itself."""


class StoppedError(EndError):
    """A stop was asked for before anything ran."""

    exit_code = 0


class Stop:
    """Asks the queries to end between batches, and keeps why."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._error: EndError | None = None

    def ask(self, error: EndError | None = None) -> None:
        """From any thread. `error`: what the driver is to end with, none where a person asks; the first one counts."""
        self._error = self._error or error
        self.asked.set()

    def pause(self, seconds: float) -> None:
        """Waits. Raises the error that the stop was asked for with, or StoppedError, as soon as one is asked for."""
        if self.asked.wait(seconds):
            self.check()
            raise StoppedError("stopped before it had begun")

    def check(self) -> None:
        """Raises the error that the stop was asked for with, if any."""
        if self._error is not None:
            raise self._error
