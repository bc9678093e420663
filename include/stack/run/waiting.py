"""What `up` waits for and does not get: which tasks are at work, and what keeps them, or the driver, from going on."""

import time
from collections.abc import Callable, Mapping

from include.driver.stream_verdict import StreamVerdict
from include.stack.airflow.api import AirflowApi

LOOK_SECONDS = 5
"""Between two looks at what costs some questions."""
BUSY = ("running", "deferred", "up_for_retry")


class Waiting:
    """Tells what a run of `bootstrap` does, and once each what it waits for."""

    def __init__(
        self,
        api: AirflowApi,
        say: Callable[[str], None],
        tell: Callable[[str], None],
        ask: Callable[[], StreamVerdict],
        every: float = LOOK_SECONDS,
    ) -> None:
        """`say`: what happens now; `tell`: what people are to read; `ask`: the verdict on the stream."""
        self._api, self._say, self._tell, self._ask, self._every = api, say, tell, ask, every
        self._said = self.told = ""
        self._again_at = time.monotonic() + every

    def look(self, tasks: Mapping[str, str | None]) -> None:
        """`tasks`: states of the run's tasks. Raises httpx.HTTPError."""
        busy = [task for task, state in tasks.items() if state in BUSY]
        now = f"Bootstrap: {', '.join(busy)}" if busy else "Bootstrap"
        if now != self._said:
            self._say(now)
            self._said = now
        if time.monotonic() < self._again_at:
            return
        self._again_at = time.monotonic() + self._every
        kept = self._keeps_the_stream() if tasks.get("start_stream") in ("success", "skipped") else ""
        kept = kept or ("" if busy else self._keeps_all())
        if kept and kept != self.told:
            self._tell(f"Waiting: {kept}")
            self.told = kept

    def _keeps_the_stream(self) -> str:
        found = self._ask()
        return "" if found.ok and not found.error else str(found)

    def _keeps_all(self) -> str:
        """Of tasks of which none is at work."""
        if not self._api.is_scheduled():
            return "no scheduler of Airflow lives. ./logsieve logs airflow-scheduler tells why."
        pool = self._api.pool("default_pool")
        if pool and pool["open_slots"] <= 0:
            return "the pool default_pool has no free slot. ./logsieve airflow pools set default_pool 128 ''"
        return ""
