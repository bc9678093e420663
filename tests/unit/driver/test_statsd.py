"""What Spark is told about a StatsD server, wherever it runs."""

from pathlib import Path

import pytest

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
