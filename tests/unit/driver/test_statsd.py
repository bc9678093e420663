"""What Spark is told about a StatsD server, wherever it runs."""

import re
from pathlib import Path

import pytest

from include.driver import statsd
from include.driver.submit import submit_conf
from include.names import DRIVER, REJUDGE
from include.settings import Settings
from tests.unit.staged import logins

PLACES = [
    ("local[3]", "client"),
    ("spark://127.0.0.1:7077", "client"),
    ("yarn", "cluster"),
    ("k8s://https://x", "cluster"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return logins.settings(tmp_path, image="logsieve:1")


@pytest.mark.parametrize(("master", "mode"), PLACES)
def test_driver_and_executors_send_wherever_they_run(settings: Settings, master: str, mode: str) -> None:
    before = submit_conf(settings, REJUDGE, master, mode)
    assert not [name for name in before if "metrics" in name], "off by default"
    told = submit_conf(settings.model_copy(update={"metrics_statsd": "statsd:8125"}), REJUDGE, master, mode)
    assert before.items() <= told.items()
    for program in ("driver", "executor"):
        sink = f"spark.metrics.conf.{program}.sink.statsd"
        assert (told[f"{sink}.host"], told[f"{sink}.port"]) == ("statsd", "8125")


def test_names_stay_the_same_after_a_restart_and_differ_by_application(settings: Settings) -> None:
    on = settings.model_copy(update={"metrics_statsd": "statsd:8125"})
    assert [submit_conf(on, name)["spark.metrics.namespace"] for name in (DRIVER, REJUDGE)] == [DRIVER, REJUDGE]


@pytest.mark.parametrize(
    "name",
    [
        "driver.BlockManager.memory.memUsed_MB", "driver.DAGScheduler.stage.failedStages", "driver.JVMCPU.jvmCpuTime",
        "driver.jvm.heap.used", "driver.jvm.heap.max", "driver.jvm.pools.PS-Old-Gen.used", "1.jvm.total.used",
        "1.executor.threadpool.activeTasks", "1.ExecutorMetrics.MajorGCTime",
        "driver.spark.streaming.classify.inputRate-total",
    ],
)  # fmt: skip
def test_gauges_are_sent(name: str) -> None:
    assert re.search(statsd.SENT, f"{DRIVER}.{name}")


@pytest.mark.parametrize(
    "name",
    [
        "driver.LiveListenerBus.numEventsPosted", "driver.appStatus.tasks.failedTasks", "1.executor.recordsRead",
        "driver.HiveExternalCatalog.fileCacheHits", "driver.CodeGenerator.generatedClassSize",
        "driver.DAGScheduler.messageProcessingTime", "driver.jvm.non-heap.max", "driver.jvm.total.max",
        "1.jvm.pools.Metaspace.max", "1.jvm.pools.G1-Eden-Space.max",
    ],
)  # fmt: skip
def test_what_statsd_would_get_wrong_is_not_sent(name: str) -> None:
    assert not re.search(statsd.SENT, f"{DRIVER}.{name}")


@pytest.mark.parametrize(("trigger", "told"), [("realtime", None), ("interval", "true"), ("available-now", "true")])
def test_streaming_metrics_are_sent_where_batches_end(settings: Settings, trigger: str, told: str | None) -> None:
    on = settings.model_copy(update={"metrics_statsd": "statsd:8125", "trigger": trigger})
    assert submit_conf(on).get("spark.sql.streaming.metricsEnabled") == told
