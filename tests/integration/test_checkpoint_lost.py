"""The checkpoints are lost, under a running driver and before a start: nothing is lost or doubled, nobody has to help.

There is no error to be clear about, and no way back to follow: classify begins behind what its sink holds, and a
checkpoint is of use only while its driver runs (docs/decisions.md). load has none.
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


def test_the_driver_dies_and_its_checkpoints_are_gone(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    (epoch,) = stack.root_sql(EPOCH)[0]
    (driver,) = drivers(stack)
    driver.kill()
    driver.wait()
    shutil.rmtree(stack.settings.checkpoints)
    until(lambda: stack.root_sql(EPOCH)[0][0] > epoch, 90, "the next driver has the lease")
    prove(stack, since)


def test_the_checkpoints_of_a_running_driver_are_gone(stack: Stack) -> None:
    """classify meets the loss when its real-time batch ends."""
    wait_until_it_loads(stack)
    since = stack.now()
    until(lambda: batches(stack), 2 * BATCH_SECONDS, "a batch has begun")
    lost = batches(stack)
    # Beside whoever writes there just now.
    shutil.rmtree(stack.settings.checkpoints, ignore_errors=True)
    until(lambda: batches(stack) - lost, BATCH_SECONDS + RECOVERY_SECONDS, "another batch has begun")
    wait_until_it_loads(stack)
    prove(stack, since)


def batches(stack: Stack) -> set[Path]:
    """What the batches that have begun have written."""
    return set(stack.settings.checkpoints.glob("*/classify/offsets/*"))
