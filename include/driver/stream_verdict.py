"""Whether the stream runs and, if not, the cause and the remedy. Pure: works on facts collected at one moment.

include/stack/airflow/stream_facts.py reads the facts for commands, plugins/page/stream_facts.py for the page, and
plugins/stream_runs.py for the alert of watch_logs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from include.driver.lease import Driver

START: Final = timedelta(minutes=3)
"""How long a driver may take to get the lease, from its task's start or the previous driver's last heartbeat."""
SCHEDULE: Final = timedelta(seconds=30)
"""How long Airflow may take from the start of a run to its running task."""

UNJUDGED: Final = "Logs get no status."
RESUME: Final = "./logsieve stream start resumes where it stopped, and no log is lost."
ABORT_IT: Final = "./logsieve stream start ends it and starts the stream."
SEE_LOG: Final = "See the log of its task `stream` in Airflow."
UNPAUSE: Final = "./logsieve stream start unpauses it, as does its switch in Airflow."
AT_WORK: Final = ("running", "restarting", "up_for_retry", "up_for_reschedule")
"""States of a task that Airflow runs, or will retry."""

_ENDLESS: Final = ("realtime", "interval")
"""Triggers of a run that continues indefinitely."""

Health = Literal["ok", "late", "broken", "unknown"]


@dataclass(frozen=True)
class StreamRun:
    """A run of classify_logs, and its task `stream`."""

    run_id: str
    state: str
    """queued, running, success or failed."""
    endless: bool = True
    """Whether it runs indefinitely, instead of processing the backlog and exiting."""
    since: datetime | None = None
    """When it was queued or started. None: unknown."""
    task: str | None = None
    """State of the task; None: not scheduled yet."""
    task_since: datetime | None = None
    error: str = ""
    """Why its last driver failed; empty: none failed, or the log was not read."""
    by_test: bool = False
    """Whether `airflow dags test` started it; Airflow itself never runs such tasks."""


@dataclass(frozen=True)
class Pool:
    """The pool of the stream's task."""

    name: str
    slots: int
    """-1: unlimited."""
    occupied: int


@dataclass(frozen=True)
class Airflow:
    """Airflow's view of classify_logs; facts that were not read default to healthy values."""

    known: bool = True
    """Whether Airflow has the DAG."""
    paused: bool = False
    stale: bool = False
    """Airflow has not parsed its file recently."""
    import_error: str = ""
    """Why the DAG file cannot be imported; empty: it can."""
    scheduled: bool = True
    """Whether a scheduler is running."""
    active: StreamRun | None = None
    """The active run; of several, the running one."""
    ended: StreamRun | None = None
    """The newest run that has ended; a bounded one only if there was no other."""
    pool: Pool | None = None
    all_slots_taken: bool = False
    """Whether Airflow runs as many tasks as its setting parallelism allows."""


@dataclass(frozen=True)
class StreamVerdict:
    """`ok`: logs are judged, or soon will be. `late`, not `ok`: they are, but the driver would not be restarted."""

    health: Health
    ok: bool
    sentence: str
    remedy: str = ""
    error: str = ""
    """Why the last driver failed, if known; also part of the sentence."""
    cause: str = ""
    """The sentence without its effect, that logs get no status; empty: they are judged, or soon will be."""

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip()


_JUDGES: Final = StreamVerdict("ok", True, "A driver judges the logs.")


def is_endless(conf: Mapping[str, Any] | None) -> bool:
    """Whether a run with this conf continues indefinitely."""
    return (conf or {}).get("trigger") in _ENDLESS


def at_work(active: Sequence[StreamRun]) -> StreamRun | None:
    """Of the active runs, newest first: the running one, else the oldest, which runs next."""
    return next((run for run in active if run.state == "running"), active[-1] if active else None)


def last_endless(ended: Sequence[StreamRun]) -> StreamRun | None:
    """Of the ended runs, newest first: the newest endless one, else the newest."""
    return next((run for run in ended if run.endless), ended[0] if ended else None)


def assess(driver: Driver | None, airflow: Airflow | None) -> StreamVerdict:
    """The verdict on the stream. `driver`: None while MySQL is unreachable; `airflow`: None while Airflow is."""
    if airflow is None:
        return _without_airflow(driver)
    kept = _kept_from_starting(airflow)
    if driver is not None and driver.is_alive:
        return _judging(driver, airflow, kept)
    if airflow.active is None and driver is not None and driver.stop_asked:
        return _broken("The stream was stopped on request", "Start the stream: " + RESUME)
    if kept:
        return _broken(f"No driver is running: {kept[0]}", kept[1])
    if airflow.active is None:
        return _ended(airflow.ended)
    return _waiting(driver, airflow, airflow.active)


def _broken(sentence: str, remedy: str) -> StreamVerdict:
    return StreamVerdict("broken", False, f"{sentence}. {UNJUDGED}", remedy, cause=f"{sentence}.")


def by_lease(driver: Driver | None) -> StreamVerdict:
    """The verdict where no Airflow can be asked. `driver`: None if MySQL does not answer or has no tables yet."""
    remedy = "Start a run of the DAG classify_logs in your Airflow."
    return _by_lease(driver, "MySQL has no answer", _broken("No driver is running", remedy))


def _without_airflow(driver: Driver | None) -> StreamVerdict:
    ended = _broken("No driver is running, and Airflow does not answer", "./logsieve up starts it again.")
    return _by_lease(driver, "MySQL and Airflow are unreachable", ended)


def _by_lease(driver: Driver | None, why_unknown: str, ended: StreamVerdict) -> StreamVerdict:
    if driver is None:
        return StreamVerdict("unknown", True, f"Whether the stream runs is unknown: {why_unknown}.")
    return _JUDGES if driver.is_alive else ended


def _kept_from_starting(airflow: Airflow) -> tuple[str, str] | None:
    """What prevents Airflow from running the DAG, as a clause, and the remedy."""
    if airflow.import_error:
        return (
            f"classify_logs cannot be imported: {airflow.import_error}",
            "Fix dags/classify_logs.py; Airflow rereads it.",
        )
    if not airflow.known:
        return (
            "Airflow has no DAG classify_logs, for example because it was deleted there",
            "./logsieve stream start makes Airflow read it again; if not, see ./logsieve logs airflow-dag-processor.",
        )
    if airflow.paused:
        return "the DAG classify_logs is paused", UNPAUSE
    if airflow.stale:
        return (
            "Airflow has not parsed dags/classify_logs.py recently",
            "./logsieve logs airflow-dag-processor shows why.",
        )
    if not airflow.scheduled:
        return (
            "no scheduler of Airflow is running",
            "./logsieve logs airflow-scheduler shows why; ./logsieve up starts it.",
        )
    return None


def _judging(driver: Driver, airflow: Airflow, kept: tuple[str, str] | None) -> StreamVerdict:
    if kept:
        return StreamVerdict(
            "late", False, f"A driver judges, but {kept[0]}: if it failed, it would not be restarted.", kept[1]
        )
    if airflow.active is None and not driver.stop_asked:
        sentence = "A driver judges, but no run of classify_logs is active: if it failed, it would not be restarted."
        # A run started while another run's driver is alive is skipped.
        return StreamVerdict("late", False, sentence, "./logsieve stream stop, then ./logsieve stream start.")
    return _JUDGES


def _ended(run: StreamRun | None) -> StreamVerdict:
    if run is None or not run.endless:
        bounded = "" if run is None else ": classify_logs had only bounded runs"
        return _broken(f"The stream was never started{bounded}", "./logsieve airflow dags trigger bootstrap starts it.")
    name = f"The run {run.run_id}" if run.run_id else "The last run"
    return _broken(f"{name} of classify_logs has ended ({run.state}), for example by a mark in Airflow", RESUME)


def _waiting(driver: Driver | None, airflow: Airflow, run: StreamRun) -> StreamVerdict:
    """The verdict while no driver is alive and an active run seems able to start one."""
    wants_slot = run.state == "running" and run.task not in ("queued", "running", "restarting")
    pool = airflow.pool
    if wants_slot and pool and pool.slots == 0:
        return _broken(f"The task of classify_logs waits: the pool {pool.name} has no slots", _more_slots(pool))
    if run.task in AT_WORK:
        return _starting(driver, run)
    since = run.task_since or run.since
    if driver is None or since is None or driver.now - since < SCHEDULE:
        return StreamVerdict("late", True, "Airflow is about to start the stream.", "Wait half a minute.")
    if wants_slot and pool and 0 < pool.slots <= pool.occupied:
        taken = f"The task of classify_logs waits: all {pool.slots} slots of the pool {pool.name} are taken"
        return _broken(taken, _more_slots(pool))
    if wants_slot and airflow.all_slots_taken:
        return _broken(
            "The task of classify_logs waits: Airflow already runs as many tasks as it may at once",
            "Stop some, for example runs of generate_logs, or raise Airflow's setting parallelism.",
        )
    return _broken(
        f"The run of classify_logs stays {run.task or run.state}",
        "./logsieve logs airflow-scheduler shows what it waits for; check whether another run of the DAG is active.",
    )


def _starting(driver: Driver | None, run: StreamRun) -> StreamVerdict:
    if driver is None:
        return StreamVerdict("unknown", True, "Whether a driver is alive is unknown while MySQL is unreachable.")
    last = f" The last one failed: {run.error}" if run.error else ""
    # Each try restarts the task's clock: it only counts if no driver of the task has failed.
    marks = [driver.heartbeat_at, run.since, None if run.error else run.task_since]
    if run.task == "restarting" or driver.now - max(filter(None, marks), default=driver.now) < START:
        return StreamVerdict("late", True, f"A driver is starting.{last}", "Wait a minute.", run.error)
    if run.by_test:
        return _broken(f"The run {run.run_id} of airflow dags test never ended and blocks all others", ABORT_IT)
    return _broken(f"The task of classify_logs runs, but no driver starts.{last}".removesuffix("."), SEE_LOG)


def _more_slots(pool: Pool) -> str:
    return f"Add slots: ./logsieve airflow pools set {pool.name} {max(2 * pool.slots, 128)} ''"
