"""The ways a driver exits other than by a crash: one line in the log, and an exit code for each reason."""

import threading
from typing import ClassVar


class EndError(RuntimeError):
    """An end that is logged in one line, without a traceback. Each kind has its own exit code; 0 is a clean exit."""

    exit_code: ClassVar[int] = 1


class QueryFailedError(EndError):
    """A query ended on its own."""


class StoppedError(EndError):
    """A stop was requested before anything ran."""

    exit_code = 0


class Stop:
    """A request to the queries to stop between batches, with its reason."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._error: EndError | None = None

    def ask(self, error: EndError | None = None) -> None:
        """Requests the stop, from any thread. `error`: raised by the driver; None if a person asks. The first wins."""
        self._error = self._error or error
        self.asked.set()

    def pause(self, seconds: float) -> None:
        """Waits. As soon as a stop is requested, raises its error, or StoppedError if it has none."""
        if self.asked.wait(seconds):
            self.check()
            raise StoppedError("stopped before the stream had started")

    def check(self) -> None:
        """Raises the error of the stop request, if it has one."""
        if self._error is not None:
            raise self._error
