"""What keeps the stream from running is said with its remedy, and what does not is no alarm."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.driver.lease import Driver
from include.driver.stream_verdict import Airflow, Pool, StreamRun, assess, at_work, by_lease, is_endless, last_endless
from include.stack.airflow.stream_facts import last_error

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LIVES = Driver(NOW - timedelta(seconds=1), NOW)
DEAD = Driver(NOW - timedelta(minutes=10), NOW)
GAVE_BACK = Driver(datetime(1970, 1, 1, tzinfo=UTC), NOW)
NEVER = Driver(None, NOW)
STOPPED = replace(GAVE_BACK, stop_asked=True)
LONG_AGO, JUST_NOW = NOW - timedelta(hours=1), NOW - timedelta(seconds=3)
RUN = StreamRun("manual__1", "running", since=LONG_AGO, task="running", task_since=LONG_AGO)
WAITS = replace(RUN, task="scheduled")
WELL = Airflow(active=RUN, pool=Pool("default_pool", 128, 3))


def of(run: StreamRun | None, **facts: object) -> Airflow:
    return replace(WELL, active=run, **facts)


@pytest.mark.parametrize(
    ("driver", "airflow"),
    [
        (LIVES, WELL),
        (LIVES, None),
        (LIVES, of(replace(RUN, endless=False))),
        (LIVES, of(replace(RUN, task="up_for_retry"))),  # another's driver took over
        (replace(LIVES, stop_asked=True), of(None)),  # it is just stopping
        (LIVES, of(RUN, pool=Pool("default_pool", 0, 1))),  # who runs needs no slot
    ],
)
def test_a_driver_that_judges_is_well(driver: Driver, airflow: Airflow | None) -> None:
    assert (assess(driver, airflow).health, assess(driver, airflow).ok) == ("ok", True)


@pytest.mark.parametrize(
    ("driver", "health", "ok"), [(LIVES, "ok", True), (DEAD, "broken", False), (None, "unknown", True)]
)
def test_with_own_servers_the_lease_alone_decides(driver: Driver | None, health: str, ok: bool) -> None:
    found = by_lease(driver)
    assert (found.health, found.ok) == (health, ok)
    assert "./logsieve" not in str(found), "those commands are for the embedded stack"


@pytest.mark.parametrize(
    ("airflow", "said", "remedy"),
    [
        (of(RUN, paused=True), "paused", "./logsieve stream start"),
        (Airflow(known=False), "has no DAG", "./logsieve stream start"),
        (of(RUN, stale=True), "not parsed", "logs airflow-dag-processor"),
        (of(RUN, import_error="NameError: x"), "NameError: x", "Fix dags/classify_logs.py"),
        (of(RUN, scheduled=False), "no scheduler", "logs airflow-scheduler"),
        (of(None, ended=replace(RUN, state="failed")), "no run of classify_logs is active", "./logsieve stream start"),
    ],
)
def test_a_driver_that_nobody_would_bring_back_is_said_before_it_ends(airflow: Airflow, said: str, remedy: str) -> None:
    found = assess(LIVES, airflow)
    assert (found.health, found.ok) == ("late", False)
    assert said in found.sentence
    assert "would not be restarted" in found.sentence
    assert remedy in found.remedy


@pytest.mark.parametrize("driver", [DEAD, GAVE_BACK, NEVER])
@pytest.mark.parametrize(
    ("airflow", "said", "remedy"),
    [
        (None, "Airflow does not answer", "./logsieve up"),
        (of(RUN, paused=True), "paused", "./logsieve stream start"),
        (of(WAITS, paused=True), "paused", "./logsieve stream start"),
        (of(replace(RUN, task="up_for_retry"), paused=True), "paused", "./logsieve stream start"),
        (of(None, paused=True), "paused", "./logsieve stream start"),
        (Airflow(known=False), "has no DAG", "./logsieve stream start"),
        (Airflow(known=False, import_error="SyntaxError: y"), "SyntaxError: y", "Fix"),
        (of(RUN, stale=True), "not parsed", "airflow-dag-processor"),
        (of(replace(RUN, state="queued", task=None), scheduled=False), "no scheduler", "airflow-scheduler"),
        (of(None, ended=replace(RUN, state="failed")), "manual__1 of classify_logs has ended (failed)", "stream start"),
        (of(None, ended=replace(RUN, state="success")), "has ended (success)", "stream start"),
        (of(None), "was never started", "bootstrap"),
        (of(None, ended=replace(RUN, endless=False)), "only bounded runs", "bootstrap"),
        (of(WAITS, pool=Pool("default_pool", 0, 0)), "default_pool has no slots", "pools set default_pool 128 ''"),
        (of(replace(RUN, task="up_for_retry"), pool=Pool("p", 0, 0)), "p has no slots", "set p 128"),
        (of(replace(WAITS, since=JUST_NOW, task_since=JUST_NOW), pool=Pool("p", 0, 0)), "p has no slots", "set p 128"),
        (of(replace(WAITS, task=None), pool=Pool("mine", 200, 200)), "all 200 slots of the pool mine", "set mine 400"),
        (of(WAITS, all_slots_taken=True), "as it may at once", "parallelism"),
        (of(replace(RUN, state="queued", task=None)), "stays queued", "airflow-scheduler"),
        (of(replace(WAITS, task="queued"), pool=Pool("one", 1, 1)), "stays queued", "airflow-scheduler"),
        (of(RUN), "no driver starts.", "log of its task"),
        (of(replace(RUN, by_test=True)), "dags test never ended", "stream start ends it"),
        (of(replace(RUN, task_since=JUST_NOW, error="no memory")), "The last one failed: no memory", "log of its task"),
    ],
)
def test_what_keeps_it_from_running_is_said_with_the_remedy(driver: Driver, airflow: Airflow, said, remedy) -> None:
    found = assess(driver, airflow)
    assert (found.health, found.ok) == ("broken", False), found
    assert said in found.sentence
    assert found.sentence.endswith("Logs get no status.")
    assert ".." not in found.sentence
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("driver", "airflow"),
    [
        (NEVER, of(replace(RUN, state="queued", since=JUST_NOW, task=None, task_since=None))),
        (DEAD, of(replace(WAITS, task_since=JUST_NOW))),
        (DEAD, of(replace(WAITS, task_since=JUST_NOW), all_slots_taken=True)),
        (DEAD, of(replace(RUN, task_since=JUST_NOW))),
        (DEAD, of(replace(RUN, task="restarting", task_since=JUST_NOW))),  # its running task was cleared
        (Driver(NOW - timedelta(seconds=30), NOW), of(RUN)),
        (Driver(NOW - timedelta(seconds=30), NOW), of(replace(RUN, error="killed"))),
        (GAVE_BACK, of(replace(RUN, since=JUST_NOW, task_since=JUST_NOW, error="not yet"))),
    ],
)
def test_a_start_is_waited_for(driver: Driver, airflow: Airflow) -> None:
    found = assess(driver, airflow)
    assert (found.health, found.ok) == ("late", True), found
    assert airflow.active is None or airflow.active.error in found.sentence


def test_a_stop_by_a_person_stays_one_whatever_else_is_wrong() -> None:
    for airflow in (of(None, ended=replace(RUN, state="success")), of(None, paused=True), of(None)):
        found = assess(STOPPED, airflow)
        assert (found.ok, "stopped on request" in found.sentence) == (False, True)
        assert "./logsieve stream start" in found.remedy
    assert "request" not in assess(STOPPED, WELL).sentence, "it was started again"


def test_who_is_away_is_not_guessed() -> None:
    assert assess(None, None).health == assess(None, WELL).health == "unknown"
    assert assess(None, of(RUN, paused=True)).ok is False


def test_of_active_runs_the_one_at_work_counts_and_of_ended_ones_the_newest_endless() -> None:
    queued, running = replace(RUN, state="queued"), replace(RUN, state="running")
    assert at_work([queued, running, queued]) is running
    assert at_work([replace(queued, run_id="newer"), queued]) is queued
    assert at_work([]) is last_endless([]) is None
    endless, bounded = RUN, replace(RUN, endless=False)
    assert last_endless([bounded, endless]) is endless
    assert last_endless([bounded, replace(bounded, run_id="older")]) is bounded
    assert [is_endless(conf) for conf in (None, {}, {"trigger": "realtime"})] == [False, False, True]


DRIVER = "2026-11-25 12:00:00,000 "
BEGUN = "Spark-Submit cmd: spark-submit …"
CRASH = "Cannot execute: spark-submit …. Error code is: 1."
NEXT = f"{CRASH}\nThe next driver begins in 1 s."
FAILED = f"Task failed with exception {CRASH}"
STOPPED_BY_SIGNAL = "Task failed with exception stopped by a signal before its end"
ABORTED = [f"{DRIVER}ERROR Utils: Aborting task", "org.apache.kafka.common.errors.InterruptException: x"]


@pytest.mark.parametrize(
    ("lines", "ended", "said"),
    [
        ([], True, ""),
        ([BEGUN, f"{DRIVER}ERROR logsieve: it has not ended yet"], False, ""),
        ([BEGUN, *ABORTED], False, ""),
        ([BEGUN, *ABORTED, STOPPED_BY_SIGNAL], True, ""),
        ([BEGUN, f"{DRIVER}ERROR logsieve: no topic.", f"{DRIVER}INFO logsieve: bye", FAILED], True, "no topic"),
        ([BEGUN, *ABORTED, f"{DRIVER}ERROR logsieve.lease: lost", FAILED], True, "lost"),
        ([BEGUN, f"{DRIVER}ERROR logsieve: first", NEXT, BEGUN, "so far well"], False, "first"),
        ([BEGUN, f"{DRIVER}ERROR logsieve: first", NEXT, BEGUN, "Killed", FAILED], True, "exit code 1"),
        (
            [BEGUN, "Error: Could not find or load main class x", FAILED],
            True,
            "Error: Could not find or load main class",
        ),
        (
            [BEGUN, "Traceback (most recent call last):", "java.lang.OutOfMemoryError: heap", FAILED],
            True,
            "java.lang.Out",
        ),
    ],
)
def test_the_last_error_of_a_driver_that_crashed_is_found_in_the_log(lines: list[str], ended: bool, said: str) -> None:
    found = last_error(lines, ended=ended)
    assert found.startswith(said)
    assert bool(found) == bool(said)
