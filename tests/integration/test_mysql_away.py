"""MySQL is down: the page shows it, nothing is lost, and the stream recovers by itself.

What MySQL refuses: test_servers_change.
"""

import time

from tests.integration.stack import RECOVERY_SECONDS, Moment, Origin, Stack, prove, until, wait_until_it_loads
from tests.integration.test_odd_logs import log
from tests.integration.test_page_api import shows_broken, shows_ok

AWAY_SECONDS = 15


def test_the_stream_recovers_when_mysql_is_up_again(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    with stack.away("mysql"):
        meanwhile = stack.send([log(event_id="mysql-away")] * 200)
        until_up = time.monotonic() + AWAY_SECONDS
        shows_broken(stack, "MySQL")
        time.sleep(max(until_up - time.monotonic(), 0))
    until_loaded(stack, meanwhile, since)
    prove(stack, since)
    shows_ok(stack, "MySQL")


def until_loaded(stack: Stack, meanwhile: list[Origin], since: Moment) -> None:
    """Waits for the logs that were sent meanwhile, and for one that is sent now."""
    wanted = {*meanwhile, *stack.send([log(event_id="mysql-back")])}
    until(lambda: wanted <= stack.loaded(since), RECOVERY_SECONDS, "logs of the outage and a new one are loaded")
