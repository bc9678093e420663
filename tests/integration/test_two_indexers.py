"""Two indexers share the partitions of the status topic. One is killed under load, and the other indexes everything."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from include.names import INDEXER_GROUP
from include.settings import ROOT
from include.stack.run import supervisor
from include.topics import hops
from tests.integration.stack import Stack, prove, until, wait_until_it_loads

LOGS = 20_000


def shares(stack: Stack) -> list[set[int]]:
    """The partitions of each member of the indexers' group."""
    admin = stack.env.outside.admin()
    group = admin.describe_consumer_groups([INDEXER_GROUP])[INDEXER_GROUP].result(10)
    return [{each.partition for each in member.assignment.topic_partitions} for member in group.members]


def indexed(stack: Stack) -> dict[int, int]:
    with stack.env.outside.looking(INDEXER_GROUP) as consumer:
        return hops.indexed(consumer, stack.ends("server-logs-status"))


def errors(stack: Stack) -> int:
    return supervisor.log_file(stack.env, "indexer").read_text().count("Traceback")


@contextmanager
def second_indexer(stack: Stack) -> Iterator[subprocess.Popen[bytes]]:
    with (stack.state / "logs" / "second-indexer.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "include.index.indexer"],
            env=stack.env.judging("indexer"),
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_when_one_of_two_is_killed_under_load_every_verdict_is_indexed_once(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    every, known = set(since["server-logs-status"]), errors(stack)
    with second_indexer(stack) as second, ThreadPoolExecutor(1) as pool:
        until(lambda: [bool(each) for each in shares(stack)] == [True, True], 60, "each has partitions")
        assert set.union(*shares(stack)) == every
        before = indexed(stack)
        sending = pool.submit(stack.generate, LOGS)
        until(lambda: all(now > before[number] + 500 for number, now in indexed(stack).items()), 60, "both index")
        second.kill()
        sending.result()
        until(lambda: [each for each in shares(stack) if each] == [every], 60, "the other has all partitions")
        prove(stack, since)
    assert errors(stack) == known, "the other has not been restarted"


def test_a_second_indexer_leaves_the_group_in_order(stack: Stack) -> None:
    wait_until_it_loads(stack)
    since = stack.now()
    with second_indexer(stack) as second:
        until(lambda: len(shares(stack)) == 2 and all(shares(stack)), 60, "each has partitions")
        second.terminate()
        assert second.wait(60) == 0
        until(lambda: len(shares(stack)) == 1, 30, "the first is alone again")
    prove(stack, since)
