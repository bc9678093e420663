"""What a driver asks of MySQL before it can judge: it waits for that with one line in its log, and does not end."""

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
    """`lasts`: whether to try for ever, else MySQL's first no is the end."""

    stop: Stop
    troubles: Troubles
    lasts: bool

    def does(self, what: Callable[[], Result]) -> Result:
        """What `what` gives once MySQL does it; until then `troubles` is told.

        Raises StoppedError when a stop is asked for before, QueryFailedError where it does not last, and what else
        `what` raises.
        """
        try:
            while True:
                try:
                    return what()
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
