"""Does the stream run, and if not, what keeps it from it and what is to be done? From facts of one moment, pure.

The facts are read by include/stack/airflow/stream_facts.py for commands, plugins/page/stream_facts.py for the page and
plugins/stream_runs.py for the alarm of watch_logs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from include.driver.lease import Driver

START: Final = timedelta(minutes=3)
"""So long a driver may take to take the lease, from the start of its task or the last heartbeat of the one before."""
SCHEDULE: Final = timedelta(seconds=30)
"""So long Airflow may take from a run to its running task."""

UNJUDGED: Final = "No log gets a status."
GO_ON: Final = "./logsieve stream start goes on where it ended, and no log is lost."
ENDS_IT: Final = "./logsieve stream start ends it, and starts the stream."
SEE_LOG: Final = "See the log of its task `stream` in Airflow."
UNPAUSE: Final = "./logsieve stream start unpauses it; so does its switch in Airflow."
AT_WORK: Final = ("running", "restarting", "up_for_retry", "up_for_reschedule")
"""States of a task that Airflow is to run, or has run and tries again."""

_ENDLESS: Final = ("realtime", "interval")
"""Triggers of a run that goes on for ever."""

Health = Literal["ok", "late", "broken", "unknown"]


@dataclass(frozen=True)
class StreamRun:
    """A run of classify_logs, and its task `stream`."""

    run_id: str
    state: str
    """queued, running, success or failed."""
    endless: bool = True
    """Not one that works off what is there."""
    since: datetime | None = None
    """When it began to wait, or to run. None: not known."""
    task: str | None = None
    """State of the task; None: it has none yet."""
    task_since: datetime | None = None
    error: str = ""
    """What its last driver ended of; empty: none has, or the log was not read."""
    by_test: bool = False
    """It is one of `airflow dags test`, whose tasks Airflow itself never runs."""


@dataclass(frozen=True)
class Pool:
    """The pool of the stream's task."""

    name: str
    slots: int
    """-1: without end."""
    occupied: int


@dataclass(frozen=True)
class Airflow:
    """What Airflow says of classify_logs; where it is not asked, all is taken for well."""

    known: bool = True
    """Whether it has the DAG."""
    paused: bool = False
    stale: bool = False
    """Its file was not seen for a while."""
    import_error: str = ""
    """Why its file cannot be read; empty: it can."""
    scheduled: bool = True
    """Whether a scheduler lives."""
    active: StreamRun | None = None
    """The run that goes on; of several, the one that is at work."""
    ended: StreamRun | None = None
    """The newest one that has ended; a bounded one only where no other was."""
    pool: Pool | None = None
    all_slots_taken: bool = False
    """Whether as many tasks run as Airflow runs at once."""


@dataclass(frozen=True)
class StreamVerdict:
    """`ok`: logs are judged, or are about to be. `late`, not `ok`: they are, but nobody would bring a driver back."""

    health: Health
    ok: bool
    sentence: str
    remedy: str = ""
    error: str = ""
    """What the last driver ended of, where that is known; it is in the sentence too."""

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip()


def is_endless(conf: Mapping[str, Any] | None) -> bool:
    """Whether the run of this conf goes on for ever."""
    return (conf or {}).get("trigger") in _ENDLESS


def at_work(active: Sequence[StreamRun]) -> StreamRun | None:
    """Of the active runs, newest first, the one that is at work, else the oldest, which is the next one."""
    return next((run for run in active if run.state == "running"), active[-1] if active else None)


def last_endless(ended: Sequence[StreamRun]) -> StreamRun | None:
    """Of those that have ended, newest first, the first that was to go on for ever, else the newest."""
    return next((run for run in ended if run.endless), ended[0] if ended else None)


def tell(driver: Driver | None, airflow: Airflow | None) -> StreamVerdict:
    """`driver`: None while MySQL is away; `airflow`: None while it is."""
    if airflow is None:
        return _without_airflow(driver)
    kept = _kept_from_starting(airflow)
    if driver is not None and driver.lives:
        return _judging(driver, airflow, kept)
    if airflow.active is None and driver is not None and driver.stop_asked:
        return _broken("The stream was stopped by a person", "Start the stream: " + GO_ON)
    if kept:
        return _broken(f"No driver runs: {kept[0]}", kept[1])
    if airflow.active is None:
        return _ended(airflow.ended)
    return _waiting(driver, airflow, airflow.active)


def _broken(sentence: str, remedy: str) -> StreamVerdict:
    return StreamVerdict("broken", False, f"{sentence}. {UNJUDGED}", remedy)


def _without_airflow(driver: Driver | None) -> StreamVerdict:
    if driver is None:
        return StreamVerdict("unknown", True, "Nobody knows whether the stream runs: MySQL and Airflow are away.")
    if driver.lives:
        return StreamVerdict("ok", True, "A driver judges the logs.")
    return _broken("No driver runs, and Airflow does not answer", "./logsieve up brings it back.")


def _kept_from_starting(airflow: Airflow) -> tuple[str, str] | None:
    """What keeps Airflow from running anything of the DAG, as a clause, and the remedy."""
    if airflow.import_error:
        return f"classify_logs cannot be read: {airflow.import_error}", "Mend dags/classify_logs.py; Airflow reads it."
    if not airflow.known:
        return (
            "Airflow does not know the DAG classify_logs, as after it was deleted there",
            "./logsieve stream start has it read again. If it stays so: ./logsieve logs airflow-dag-processor.",
        )
    if airflow.paused:
        return "the DAG classify_logs is paused", UNPAUSE
    if airflow.stale:
        return (
            "Airflow has not seen dags/classify_logs.py for a while",
            "./logsieve logs airflow-dag-processor tells why.",
        )
    if not airflow.scheduled:
        return "no scheduler of Airflow lives", "./logsieve logs airflow-scheduler tells why; ./logsieve up starts it."
    return None


def _judging(driver: Driver, airflow: Airflow, kept: tuple[str, str] | None) -> StreamVerdict:
    if kept:
        return StreamVerdict("late", False, f"A driver judges, but {kept[0]}: nobody would bring it back.", kept[1])
    if airflow.active is None and not driver.stop_asked:
        sentence = "A driver judges, but no run of classify_logs is active: nobody would bring it back."
        # A run that is started beside a driver of another one is skipped.
        return StreamVerdict("late", False, sentence, "./logsieve stream stop, then ./logsieve stream start.")
    return StreamVerdict("ok", True, "A driver judges the logs.")


def _ended(run: StreamRun | None) -> StreamVerdict:
    if run is None or not run.endless:
        bounded = "" if run is None else ": there were bounded runs of classify_logs only"
        return _broken(f"The stream was never started{bounded}", "./logsieve airflow dags trigger bootstrap starts it.")
    name = f"The run {run.run_id}" if run.run_id else "The last run"
    return _broken(f"{name} of classify_logs has ended ({run.state}), as by a mark in Airflow", GO_ON)


def _waiting(driver: Driver | None, airflow: Airflow, run: StreamRun) -> StreamVerdict:
    """No driver lives, and a run is active that nothing keeps from going on, it seems."""
    if run.task in AT_WORK:
        return _starting(driver, run)
    wants_slot = run.state == "running" and run.task != "queued"
    pool = airflow.pool
    if wants_slot and pool and pool.slots == 0:
        return _broken(f"The task of classify_logs waits, as the pool {pool.name} has no slots", _more_slots(pool))
    since = run.task_since or run.since
    if driver is None or since is None or driver.now - since < SCHEDULE:
        return StreamVerdict("late", True, "Airflow is about to start the stream.", "Wait half a minute.")
    if wants_slot and pool and 0 < pool.slots <= pool.occupied:
        taken = f"The task of classify_logs waits, as all {pool.slots} slots of the pool {pool.name} are taken"
        return _broken(taken, _more_slots(pool))
    if wants_slot and airflow.all_slots_taken:
        return _broken(
            "The task of classify_logs waits, as so many tasks run as Airflow runs at once",
            "End some, as runs of generate_logs; how many run at once is the setting parallelism of Airflow.",
        )
    return _broken(
        f"The run of classify_logs stays {run.task or run.state}",
        "./logsieve logs airflow-scheduler tells what it waits for; see whether another run of the DAG is active.",
    )


def _starting(driver: Driver | None, run: StreamRun) -> StreamVerdict:
    if driver is None:
        return StreamVerdict("unknown", True, "Nobody knows whether a driver lives while MySQL is away.")
    last = f" The last one ended: {run.error}" if run.error else ""
    # A task begins anew at each try: only one whose drivers do not end is still about to start one.
    marks = [driver.heartbeat_at, run.since, None if run.error else run.task_since]
    if run.task == "restarting" or driver.now - max(filter(None, marks), default=driver.now) < START:
        return StreamVerdict("late", True, f"A driver is starting.{last}", "Wait a minute.", run.error)
    if run.by_test:
        return _broken(f"The run {run.run_id} of airflow dags test never ended, and holds up all others", ENDS_IT)
    return _broken(f"The task of classify_logs runs, but no driver comes up.{last}".removesuffix("."), SEE_LOG)


def _more_slots(pool: Pool) -> str:
    return f"Give it more: ./logsieve airflow pools set {pool.name} {max(2 * pool.slots, 128)} ''"
