"""MySQL is away, or refuses to write as with a full disk: nothing is lost, and the stream goes on by itself.

A full disk itself needs a file system of its own, which needs root. To whoever commits it looks like `super_read_only`:
every write fails, and reads go on.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from include.names import origin_key
from tests.integration.stack import RECOVERY_SECONDS, Moment, Origin, Stack, prove, until, wait_until_it_loads
from tests.integration.test_odd_logs import log

STATUS = "server-logs-status"
AWAY_SECONDS = 15
READ_ONLY_SECONDS = 10


def test_the_stream_goes_on_when_mysql_is_back(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    with stack.away("mysql"):
        meanwhile = stack.send([log(event_id="mysql-away")] * 200)
        time.sleep(AWAY_SECONDS)
    until_loaded(stack, meanwhile, since)
    prove(stack, since)


def test_the_stream_goes_on_when_mysql_writes_again(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    with read_only(stack):
        meanwhile = stack.send([log(event_id="mysql-read-only")] * 200)
        keys = {origin_key(*origin).encode() for origin in meanwhile}
        until(lambda: keys <= {found.key for found in stack.messages(STATUS, since[STATUS])}, 30, "they are judged")
        time.sleep(READ_ONLY_SECONDS)
        assert not stack.loaded(since) & set(meanwhile), "nothing can be written"
    until_loaded(stack, meanwhile, since)
    prove(stack, since)


@contextmanager
def read_only(stack: Stack) -> Iterator[None]:
    stack.root_sql("SET GLOBAL super_read_only = ON")
    try:
        yield
    finally:
        stack.root_sql("SET GLOBAL super_read_only = OFF")
        stack.root_sql("SET GLOBAL read_only = OFF")  # super_read_only has set it, and leaves it


def until_loaded(stack: Stack, meanwhile: list[Origin], since: Moment) -> None:
    """The logs that were sent meanwhile, and one that is sent now."""
    wanted = {*meanwhile, *stack.send([log(event_id="mysql-back")])}
    until(lambda: wanted <= stack.loaded(since), RECOVERY_SECONDS, "logs of the outage and a new one are loaded")
