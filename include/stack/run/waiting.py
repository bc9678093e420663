"""Reports what `up` waits for: the running tasks, and what blocks them or the driver."""

import time
from collections.abc import Callable, Mapping

from include.driver.stream_verdict import StreamVerdict
from include.stack.airflow.api import AirflowApi

LOOK_SECONDS = 5
"""Seconds between two checks of the stream and the scheduler, which take several requests."""
BUSY = ("running", "deferred", "up_for_retry")


class Waiting:
    """Reports the progress of a run of `bootstrap`, and each blocker once."""

    def __init__(
        self,
        api: AirflowApi,
        on_step: Callable[[str], None],
        report: Callable[[str], None],
        verdict: Callable[[], StreamVerdict],
        every: float = LOOK_SECONDS,
    ) -> None:
        """`on_step` receives the current tasks, `report` the blockers; `verdict` returns the verdict on the stream."""
        self._api, self._on_step, self._report, self._verdict, self._every = api, on_step, report, verdict, every
        self._shown = self.reported = ""
        self._next_check = time.monotonic() + every

    def look(self, tasks: Mapping[str, str | None]) -> None:
        """Reports what has changed. `tasks`: state of each task of the run. Raises httpx.HTTPError."""
        busy = [task for task, state in tasks.items() if state in BUSY]
        now = f"Bootstrap: {', '.join(busy)}" if busy else "Bootstrap"
        if now != self._shown:
            self._on_step(now)
            self._shown = now
        if time.monotonic() < self._next_check:
            return
        self._next_check = time.monotonic() + self._every
        blocker = self._stream_blocker() if tasks.get("start_stream") in ("success", "skipped") else ""
        blocker = blocker or ("" if busy else self._scheduling_blocker())
        if blocker and blocker != self.reported:
            self._report(f"Waiting: {blocker}")
            self.reported = blocker

    def _stream_blocker(self) -> str:
        found = self._verdict()
        return "" if found.ok and not found.error else str(found)

    def _scheduling_blocker(self) -> str:
        """Why no task is running."""
        if not self._api.is_scheduled():
            return "no scheduler of Airflow is running. See ./logsieve logs airflow-scheduler"
        pool = self._api.pool("default_pool")
        if pool and pool["open_slots"] <= 0:
            return "the pool default_pool has no free slot. Run ./logsieve airflow pools set default_pool 128 ''"
        return ""
