"""The stream asks a cluster for as many task slots as its partitions need, and says the sum if it may not."""

import pytest

from include.settings import Settings
from jobs.driver import slots


@pytest.mark.parametrize(
    ("trigger", "partitions", "executors", "cores"),
    [
        ("realtime", 8, 2, 9),
        ("realtime", 2, 2, 3),
        ("realtime", 1, 4, 1),
        ("interval", 8, 2, 5),
        ("available-now", 64, 2, 1),
    ],
)
def test_executors_have_a_slot_for_each_task(trigger, partitions: int, executors: int, cores: int) -> None:
    conf = slots.conf(Settings(executors=executors), "yarn", partitions, trigger)
    assert conf["spark.executor.instances"] == str(executors)
    assert conf["spark.executor.cores"] == str(cores)
    assert conf["spark.cores.max"] == str(executors * cores)


def test_too_few_slots_are_refused_with_the_sum_and_the_setting() -> None:
    settings = Settings(executors=2, executor_cores=4)
    with pytest.raises(slots.TooFewSlotsError) as found:
        slots.conf(settings, "spark://host:7077", 8, "realtime")
    assert "2 executors with 4 cores have 8 task slots, but the stream needs 17" in str(found.value)
    assert "classify 8 and load 8, one for each partition, users 1" in str(found.value)
    assert "LOGSIEVE_EXECUTOR_CORES=9" in str(found.value)


def test_the_remedy_suffices() -> None:
    slots.conf(Settings(executors=2, executor_cores=9), "yarn", 8, "realtime")


def test_one_machine_gets_threads_instead() -> None:
    assert slots.conf(Settings(), "local[2]", 8, "realtime") == {"spark.master": "local[9]"}
