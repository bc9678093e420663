"""The lease: one driver at a time; a retry takes over at once, other owners are refused, a lost lease is final."""

import itertools
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from include.driver import lease
from jobs.database import Database
from jobs.driver import holding
from tests.integration.stack import Stack, until

NUMBER = itertools.count()


@dataclass(frozen=True)
class Taken:
    """A lease with its own name, which no thread renews yet."""

    stack: Stack
    database: Database
    lease: holding.Lease


@pytest.fixture
def taken(stack: Stack) -> Iterator[Taken]:
    database, name = Database.of(stack.settings), f"test-lease-{next(NUMBER)}"
    yield Taken(stack, database, holding.take(database, name, "test_lease"))
    stack.root_sql("DELETE FROM logs.driver_lease WHERE name = %s", (name,))


def test_a_held_lease_is_renewed_and_free_after_a_clean_exit(taken: Taken) -> None:
    query = "SELECT CAST(heartbeat_at AS CHAR) FROM logs.driver_lease WHERE name = %s"
    first = taken.stack.root_sql(query, (taken.lease.name,))
    with holding.held(taken.lease, taken.database, on_lost=pytest.fail, on_stop=pytest.fail):
        until(lambda: taken.stack.root_sql(query, (taken.lease.name,)) > first, 10, "a heartbeat")
    assert taken.stack.root_sql(query, (taken.lease.name,)) == [("1970-01-01 00:00:00.000",)]
    assert holding.take(taken.database, taken.lease.name, "another").epoch == taken.lease.epoch + 1


def test_the_holder_is_notified_that_the_lease_is_lost(taken: Taken) -> None:
    lost = threading.Event()
    with holding.held(taken.lease, taken.database, on_lost=lambda error: lost.set(), on_stop=pytest.fail):
        holding.take(taken.database, taken.lease.name, "another", take_over=True)
        assert lost.wait(10)


SHIFT = "UPDATE logs.driver_lease SET heartbeat_at = heartbeat_at + INTERVAL %s HOUR WHERE name = %s"
"""As if the clock had since been set back, or forward, by this many hours."""


@pytest.mark.parametrize("hours", [0, 1, -1])
def test_a_retry_of_the_same_owner_takes_over_at_once_and_other_owners_are_refused(taken: Taken, hours: int) -> None:
    with holding.held(taken.lease, taken.database, on_lost=lambda error: None, on_stop=pytest.fail):
        taken.stack.root_sql(SHIFT, (hours, taken.lease.name))
        with pytest.raises(holding.LeaseHeldError, match="of test_lease is running"):
            holding.take(taken.database, taken.lease.name, "another")
        assert holding.take(taken.database, taken.lease.name, "test_lease").epoch == taken.lease.epoch + 1


@pytest.mark.parametrize("hours", [1, -1])
def test_any_owner_takes_the_lease_of_a_dead_holder_whatever_the_clock(taken: Taken, hours: int) -> None:
    taken.stack.root_sql(SHIFT, (hours, taken.lease.name))
    begin = time.monotonic()
    assert holding.take(taken.database, taken.lease.name, "another").epoch == taken.lease.epoch + 1
    assert time.monotonic() - begin < 2 * lease.LASTS.total_seconds()


def test_a_stopped_owner_is_notified_and_not_restarted_but_a_new_owner_starts(taken: Taken) -> None:
    asked = threading.Event()
    with holding.held(taken.lease, taken.database, on_lost=pytest.fail, on_stop=asked.set):
        mark = "UPDATE logs.driver_lease SET stop_asked_at = UTC_TIMESTAMP(3) WHERE name = %s"
        taken.stack.root_sql(mark, (taken.lease.name,))
        assert asked.wait(10)
    with pytest.raises(holding.StopAskedError):
        holding.take(taken.database, taken.lease.name, "test_lease")
    ours = holding.take(taken.database, taken.lease.name, "another")
    assert holding.take(taken.database, taken.lease.name, "another").epoch == ours.epoch + 1


def test_a_takeover_waits_until_the_other_driver_has_stopped_its_queries(taken: Taken) -> None:
    living = "UPDATE logs.driver_lease SET holder = 'elsewhere:1', heartbeat_at = UTC_TIMESTAMP(3) WHERE name = %s"
    taken.stack.root_sql(living, (taken.lease.name,))
    later: list[holding.Lease] = []
    taking = threading.Thread(
        target=lambda: later.append(holding.take(taken.database, taken.lease.name, "test_lease")), daemon=True
    )
    taking.start()
    epoch = "SELECT epoch FROM logs.driver_lease WHERE name = %s"
    until(
        lambda: taken.stack.root_sql(epoch, (taken.lease.name,)) == [(taken.lease.epoch + 1,)], 10, "it has the lease"
    )
    assert not later, "but does not start yet"
    ended = "UPDATE logs.driver_lease SET ended_epoch = %s WHERE name = %s"
    taken.stack.root_sql(ended, (taken.lease.epoch, taken.lease.name))
    until(lambda: later, 3, "it starts as soon as the other has recorded its end")


def test_a_takeover_from_a_process_that_no_longer_exists_is_immediate(taken: Taken) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    dead = "UPDATE logs.driver_lease SET holder = %s, heartbeat_at = UTC_TIMESTAMP(3) WHERE name = %s"
    taken.stack.root_sql(dead, (f"{socket.gethostname()}:{gone.pid}", taken.lease.name))
    begun = time.monotonic()
    assert holding.take(taken.database, taken.lease.name, "test_lease").epoch == taken.lease.epoch + 1
    assert time.monotonic() - begun < lease.LASTS.total_seconds() / 2


def test_a_takeover_kills_a_driver_that_does_not_exit(taken: Taken) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "stream_logs.py"]) as frozen:
        frozen.send_signal(signal.SIGSTOP)
        holder = f"{socket.gethostname()}:{frozen.pid}"
        living = "UPDATE logs.driver_lease SET holder = %s, heartbeat_at = UTC_TIMESTAMP(3) WHERE name = %s"
        taken.stack.root_sql(living, (holder, taken.lease.name))
        assert holding.take(taken.database, taken.lease.name, "test_lease").epoch == taken.lease.epoch + 1
        assert frozen.wait(10) == -signal.SIGKILL


def test_a_process_that_is_not_a_driver_is_neither_waited_for_nor_killed(taken: Taken) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as other:
        living = "UPDATE logs.driver_lease SET holder = %s, heartbeat_at = UTC_TIMESTAMP(3) WHERE name = %s"
        taken.stack.root_sql(living, (f"{socket.gethostname()}:{other.pid}", taken.lease.name))
        begun = time.monotonic()
        holding.take(taken.database, taken.lease.name, "test_lease")
        assert time.monotonic() - begun < lease.LASTS.total_seconds() / 2
        assert other.poll() is None
        other.kill()


def test_a_holder_records_its_end_however_it_exits(taken: Taken) -> None:
    ended = "SELECT ended_epoch FROM logs.driver_lease WHERE name = %s"
    with pytest.raises(ZeroDivisionError), holding.held(taken.lease, taken.database, pytest.fail, pytest.fail):
        raise ZeroDivisionError
    assert taken.stack.root_sql(ended, (taken.lease.name,)) == [(taken.lease.epoch,)]
