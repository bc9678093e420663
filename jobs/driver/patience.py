"""Retries of the MySQL calls that a driver makes before it can judge: it logs one line and waits instead of exiting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from include.watch import mysql_trouble
from include.watch.troubles import Troubles
from jobs.ends import QueryFailedError, Stop

_PAUSE_SECONDS: Final = 2

Result = TypeVar("Result")


@dataclass(frozen=True)
class Patience:
    """`lasts`: whether to retry indefinitely; otherwise MySQL's first error is raised."""

    stop: Stop
    troubles: Troubles
    lasts: bool

    def retry(self, call: Callable[[], Result]) -> Result:
        """Returns the result of `call` once MySQL executes it; until then reports the error to `troubles`.

        Raises StoppedError when a stop is requested first, QueryFailedError without `lasts`, and the other errors of
        `call`.
        """
        try:
            while True:
                try:
                    return call()
                except Exception as error:
                    trouble = mysql_trouble.of(error)
                    if trouble is None:
                        raise
                    if not self.lasts:
                        raise QueryFailedError(str(trouble)) from error
                    self.troubles.report("start", trouble)
                self.stop.pause(_PAUSE_SECONDS)
        finally:
            self.troubles.clear("start")
