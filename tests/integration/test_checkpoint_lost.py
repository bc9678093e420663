"""The checkpoints are lost, under a running driver and before a start: nothing is lost or doubled, nobody has to help.

There is no error to be clear about, and no way back to follow: each query begins behind what its sink holds, and a
checkpoint is of use only while its driver runs (docs/decisions.md).
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
    """Each query meets the loss at its next batch: load within a second, classify when its real-time batch ends."""
    wait_until_it_loads(stack)
    since = stack.now()
    both = {"classify", "load"}
    until(lambda: offsets(stack).keys() == both, 2 * BATCH_SECONDS, "both queries have begun a batch")
    lost = offsets(stack)
    # Beside whoever writes there just now.
    shutil.rmtree(stack.settings.checkpoints, ignore_errors=True)
    until(
        lambda: {query for query, files in offsets(stack).items() if files - lost[query]} == both,
        BATCH_SECONDS + RECOVERY_SECONDS,
        "both queries have begun another batch",
    )
    wait_until_it_loads(stack)
    prove(stack, since)


def offsets(stack: Stack) -> dict[str, set[Path]]:
    """By query, the batches that it has begun."""
    found: dict[str, set[Path]] = {}
    for file in stack.settings.checkpoints.glob("*/*/offsets/*"):
        found.setdefault(file.parent.parent.name, set()).add(file)
    return found
