"""What the numbers of a moment say of each hop: well, late, broken or unknown, with what to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.driver.stream_verdict import Airflow, StreamRun
from include.names import LOGS_TOPIC, STATUS_TOPIC
from include.page.way import HOPS, Run, Sample, describe, reconciled
from include.watch.health import LAG_LIMIT
from include.watch.troubles import Standing

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RUNS = {name: Run(name, "manual__1+00:00", "running", NOW) for name in ("generate_logs", "classify_logs")}
STREAM = Airflow(active=StreamRun("manual__1", "running", since=NOW, task="running", task_since=NOW))
FRESH = {hop: NOW - timedelta(seconds=1) for hop in (LOGS_TOPIC, STATUS_TOPIC, "MySQL", "Elasticsearch")}


DEAD = {"heartbeat_at": NOW - timedelta(minutes=1), "runs": {}}


def told(part: str) -> dict[str, Standing]:
    return {part: Standing(f"{part} waits: the reason", "the remedy", 5)}


def sample(**changes: Any) -> Sample:
    numbers: dict[str, Any] = {"logs": 1000, "classified": 990, "status": 995, "loaded_logs": 980, "loaded": 985}
    numbers |= {"indexed": 990, "documents": 985, "newest": FRESH, "heartbeat_at": NOW - timedelta(seconds=1)}
    return Sample(**{"at": NOW, "runs": RUNS, "stream": STREAM, **numbers, **changes})


def hop(name: str, now: Sample, before: Sample | None = None) -> dict[str, Any]:
    found = {each["name"]: each for each in describe(now, before)}
    assert list(found) == list(HOPS)
    return found[name]


def test_all_is_well() -> None:
    assert [each["health"] for each in describe(sample(), None)] == ["ok"] * 6
    assert all(each["remedy"] is None for each in describe(sample(), None))
    assert [each["count"] for each in describe(sample(), None)] == [None, 1000, 990, 995, 980, 985]
    assert [each["lag"] for each in describe(sample(), None)] == [None, None, 10, None, 10, 5]


def test_rates_are_differences() -> None:
    before = sample(at=NOW - timedelta(seconds=10), logs=0, classified=500, status=500, loaded=1000)
    rates = {each["name"]: each["rate"] for each in describe(sample(), before)}
    assert rates == {
        "generator": 100.0, LOGS_TOPIC: 100.0, "classify": 49.0, STATUS_TOPIC: 49.5, "MySQL": 0.0, "Elasticsearch": 0.0,
    }  # fmt: skip
    assert {each["rate"] for each in describe(sample(), None)} == {None}


@pytest.mark.parametrize(
    ("name", "changes", "health", "said"),
    [
        (LOGS_TOPIC, {"away": {"Kafka": "no broker"}}, "broken", "Kafka is unreachable: no broker"),
        ("classify", {"away": {"Kafka": "no broker"}}, "unknown", "while Kafka is unreachable"),
        ("MySQL", {"away": {"MySQL": "refused"}}, "broken", "MySQL is unreachable: refused"),
        ("Elasticsearch", {"away": {"Elasticsearch": "refused"}}, "broken", "Elasticsearch is unreachable"),
        ("classify", {"heartbeat_at": None, "stream": None}, "broken", "Airflow does not answer"),
        ("classify", {"heartbeat_at": None, "stream": Airflow(paused=True)}, "broken", "paused"),
        ("classify", {"stream": Airflow(paused=True)}, "late", "would not be restarted"),
        ("classify", {"heartbeat_at": NOW - timedelta(minutes=1)}, "late", "A driver is starting"),
        ("MySQL", {"heartbeat_at": None, "stream": Airflow()}, "broken", "started. Nothing is loaded."),
        ("classify", {"logs": 991 + LAG_LIMIT}, "late", "10,001 logs wait"),
        ("Elasticsearch", {"status": 991 + LAG_LIMIT}, "late", "10,001 logs wait"),
        ("Elasticsearch", {"removed": "Kafka has removed offsets 4 to 7"}, "broken", "offsets 4 to 7"),
        ("MySQL", {"newest": FRESH | {"MySQL": NOW - timedelta(seconds=61)}}, "late", "61 s old"),
        ("MySQL", {"troubles": told("load")}, "broken", "load waits: the reason."),
        ("MySQL", {"troubles": told("load"), "newest": {}}, "broken", "load waits: the reason."),
        ("MySQL", {"troubles": told("load"), "away": {"MySQL": "refused"}}, "broken", "MySQL is unreachable: refused"),
        ("MySQL", {"troubles": told("start")} | DEAD, "broken", "start waits: the reason."),
        ("MySQL", {"troubles": told("lease")} | DEAD, "late", "lease waits: the reason."),
        ("classify", {"troubles": told("load")}, "ok", "10 logs wait."),
        ("classify", {"troubles": told("start")} | DEAD, "broken", "start waits: the reason."),
        ("classify", {"troubles": told("lease")} | DEAD, "late", "lease waits: the reason."),
        ("classify", {"troubles": told("users")}, "late", "users waits: the reason."),
        ("Elasticsearch", {"troubles": told("index")}, "broken", "index waits: the reason."),
        ("Elasticsearch", {"troubles": told("load")}, "ok", "1 s old"),
        (LOGS_TOPIC, {"newest": {}}, "late", "empty"),
        ("generator", {"runs": {}}, "unknown", "has not run"),
        ("generator", {"runs": {"generate_logs": Run("generate_logs", "1", "failed", NOW)}}, "broken", "failed"),
        ("generator", {"runs": {"generate_logs": Run("generate_logs", "1", "success", NOW)}}, "ok", "other senders"),
    ],
)
def test_what_is_not_well_says_so(name: str, changes: dict[str, Any], health: str, said: str) -> None:
    found = hop(name, sample(**changes))
    assert (found["health"], said in found["sentence"]) == (health, True), found
    assert found["remedy"] or health in ("ok", "unknown")


def test_a_stream_that_a_person_stopped_is_told_from_one_that_died() -> None:
    ended = {"classify_logs": Run("classify_logs", "1", "success", NOW)}
    found = hop("classify", sample(heartbeat_at=None, stop_asked=True, runs=ended, stream=Airflow()))
    assert found["health"] == "broken"
    assert found["sentence"].startswith("The stream was stopped on request.")
    assert "no log is lost" in found["remedy"]
    assert found["link"] == "/dags/classify_logs/runs/1/tasks/stream"


def test_links_lead_to_the_run_below_airflow_s_own_path() -> None:
    assert hop("classify", sample())["link"] == "/dags/classify_logs/runs/manual__1%2B00%3A00/tasks/stream"
    assert Run("a", "b/c", "queued", NOW, "/airflow").link() == "/airflow/dags/a/runs/b%2Fc"


def test_without_any_number_nothing_is_made_up() -> None:
    away = dict.fromkeys(("Kafka", "MySQL", "Elasticsearch", "Airflow"), "no")
    found = describe(Sample(NOW, away), Sample(NOW - timedelta(seconds=5), away))
    numbers = [each[name] for each in found for name in ("rate", "count", "lag", "freshness_seconds")]
    assert numbers == [None] * 24
    assert {each["health"] for each in found} == {"unknown", "broken"}


def test_the_last_reconciliation() -> None:
    assert reconciled(None, None) is None
    failed = Run("reconcile_logs", "1", "failed", NOW)
    found = reconciled((NOW - timedelta(hours=1), 1234), failed)
    assert found is not None
    assert (found["at"], found["logs"], found["state"]) == ("2026-11-25T12:00:00.000Z", 1234, "failed")
    assert "differ" in found["sentence"]
    assert found["link"] == "/dags/reconcile_logs/runs/1/tasks/prove"
    under_way = Run("reconcile_logs", "2", "running", NOW)
    found = reconciled((NOW - timedelta(hours=1), 1234), under_way)
    assert found is not None
    assert (found["at"], found["state"]) == ("2026-11-25T11:00:00.000Z", "running")
