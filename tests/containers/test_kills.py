"""Whatever is killed comes back, and no log is lost, doubled or judged otherwise."""

import pytest

from include.driver import lease
from tests.containers.flow import Flow
from tests.containers.system import LASTING, ONCE, RECOVERY_SECONDS, System, until

DRIVER = "grep -lza [o]rg.apache.spark.deploy.SparkSubmit /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3"
"""Prints the processes of Spark's JVM in the scheduler's container."""


def epoch(system: System) -> int:
    """Counts the drivers that there were."""
    with system.servers.outside.mysql() as connection, connection.cursor() as cursor:
        held = lease.read(cursor)
    assert held is not None
    return held.epoch


@pytest.mark.parametrize("service", LASTING)
def test_a_container_whose_program_is_killed_comes_back(system: System, service: str) -> None:
    restarts = system.inspect(service)["RestartCount"]
    flow = Flow(system)
    system.crash(service)
    until(lambda: system.inspect(service)["RestartCount"] > restarts, 60, "the engine restarts it")
    flow.arrive()


def test_a_driver_that_is_killed_comes_back(system: System) -> None:
    before = epoch(system)
    flow = Flow(system)
    system.inside("airflow-scheduler", f"kill -9 $({DRIVER})")
    until(lambda: epoch(system) > before, RECOVERY_SECONDS, "another driver judges")
    flow.arrive()


def test_containers_that_an_operator_kills_come_back_with_up(system: System) -> None:
    """The engine leaves these to whoever killed them."""
    flow = Flow(system)
    system.compose("kill", *LASTING)
    assert {system.inspect(service)["State"]["Status"] for service in LASTING} == {"exited"}
    system.up()
    flow.arrive()


def test_a_restart_of_everything_loses_nothing(system: System) -> None:
    flow = Flow(system)
    system.compose("restart", *LASTING)
    flow.arrive()


def test_down_and_up_keep_the_data(system: System) -> None:
    Flow(system).arrive()
    before = system.counts()
    system.compose("down")
    system.up()
    after = system.counts()
    assert all(after[hop] >= count for hop, count in before.items())
    flow = Flow(system)
    flow.arrive()
    assert {system.inspect(service)["State"]["ExitCode"] for service in ONCE} == {0}
