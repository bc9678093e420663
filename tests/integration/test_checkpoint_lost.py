"""Checkpoints are deleted, under a running driver and before a start: no log is lost or doubled, without manual help.

There is no error to report and no recovery to do: classify starts after the last verdict in its sink, and a checkpoint
is used only while its driver runs (docs/decisions.md). load has none.
"""

import shutil
from pathlib import Path

from tests.integration.stack import (
    BATCH_SECONDS,
    EPOCH,
    RECOVERY_SECONDS,
    Stack,
    drivers,
    prove,
    until,
    wait_until_it_loads,
)


def test_a_killed_driver_loses_its_checkpoints(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (epoch,) = stack.root_sql(EPOCH)[0]
    (driver,) = drivers(stack)
    driver.kill()
    driver.wait()
    shutil.rmtree(stack.settings.checkpoints)
    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "the next driver has the lease")
    prove(stack, since)


def test_a_running_driver_loses_its_checkpoints(stack: Stack) -> None:
    """classify is affected when its real-time batch ends."""
    wait_until_it_loads(stack)
    since = stack.now()
    until(lambda: batches(stack), 2 * BATCH_SECONDS, "a batch has begun")
    lost = batches(stack)
    # The driver may be writing there at the same time.
    shutil.rmtree(stack.settings.checkpoints, ignore_errors=True)
    until(lambda: batches(stack) - lost, BATCH_SECONDS + RECOVERY_SECONDS, "another batch has begun")
    wait_until_it_loads(stack)
    prove(stack, since)


def batches(stack: Stack) -> set[Path]:
    """The files that started batches have written."""
    return set(stack.settings.checkpoints.glob("*/classify/offsets/*"))
