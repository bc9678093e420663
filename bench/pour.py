"""The logs of the bench: generated from a seed and sent to `server-logs` once; every contestant reads them."""

import threading
from collections.abc import Callable

from bench import own_stack
from include.clients import kafka
from include.names import STATUSES
from include.source.accounts import Accounts
from include.source.log_maker import LogMaker
from include.source.sender import Sender
from include.stack.environment import Environment

LOGS_A_SECOND = 10_000
"""Events per second in the logs' own time."""
STEP = 10_000


def pour(
    env: Environment, count: int, share_bad: float, share_suspicious: float, show: Callable[[int], None]
) -> dict[str, int]:
    """Sends `count` logs; returns how many were generated of each status. `show` is called with the number sent so far.

    Raises NotDeliveredError.
    """
    made = dict.fromkeys(STATUSES, 0)
    maker = LogMaker(
        Accounts(env.settings.seed, env.settings.accounts),
        env.settings.seed,
        share_bad=share_bad,
        share_suspicious=share_suspicious,
        clock=lambda: own_stack.BEGIN + sum(made.values()) / LOGS_A_SECOND,
    )
    sender = Sender(kafka.native(env.reaching()), threading.Event())
    sender.wait_for_topic()
    for number in range(count):
        log = maker.make()
        sender.send(log.key, log.value)
        made[log.status] += 1
        if number % STEP == 0:
            sender.check()
            show(number)
    sender.close()
    return made
