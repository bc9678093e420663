"""One stack in each process for all tests that need running servers."""

import os
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import get_args

import pytest

from include.settings import ROOT, Settings
from include.stack.engines import Engine
from include.stack.fetch import mysqld, parts
from include.stack.machine import lock
from include.stack.ports import free_ports
from tests.integration.stack import RATE, STATE, UP_SECONDS, Stack, last_words, until
from tests.kubernetes import build, node
from tests.kubernetes.cluster import Cluster, forwarding

os.environ["LOGSIEVE_STATE"] = str(ROOT / ".state-of-tests")
"""No stack: a contract that a developer has applied must not be that of the tests."""

LONGEST = ("test_chaos", "test_own_servers", "test_users_backfill", "test_expire", "test_stream_ends", "test_adopt")
"""The longest of the files that need servers, each three to eight minutes. They come first, so that both processes end
at about the same time. The kill test is the very first, because it has a stack of its own: later its process would have
two. No test depends on this order."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the stack runs Spark; see `./logsieve up --help`."""
    parser.addoption("--engine", choices=get_args(Engine), default="local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the tests by LONGEST."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Kubernetes on this machine; where none can run, the tests are skipped with the reason."""
    try:
        built = build.build()
    except build.NoKubernetesError as error:
        pytest.skip(str(error))
    with node.running(built) as made:
        yield Cluster(made, built)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    engine = request.config.getoption("--engine")
    folder = Settings().parts
    # Before the hostile shell, whose proxy never answers.
    mysqld.choose(Settings(), parts.fetch_jars(folder), None, lambda home: home)
    state = ROOT / ".state-test-yarn" if engine == "yarn" else STATE  # it needs plain names
    made = Stack(state, free_ports())
    if state.exists():
        made.run("down")
    asked = ["up", "--fresh", "--yes", "--rate", str(RATE), "--engine", engine]
    with ExitStack() as held:
        if engine == "kubernetes":
            cluster: Cluster = request.getfixturevalue("cluster")
            cluster.prepare(made)
            held.enter_context(forwarding(made))
        held.callback(made.run, "down")
        if engine == "kubernetes":
            done = made.run(*asked, "--no-bootstrap", seconds=UP_SECONDS)
            assert done.returncode == 0, done.stdout + done.stderr
            cluster.hand_over(made)
            asked.remove("--fresh")
        with ThreadPoolExecutor() as pool:
            first = pool.submit(made.run, *asked, seconds=UP_SECONDS)
            until(lambda: first.done() or lock.holder(state / "lock")[0], 60, "the first `up` has begun")
            second = pool.submit(made.run, "up", seconds=UP_SECONDS)  # a second `up` meanwhile
            for done in (first.result(), second.result()):
                assert done.returncode == 0, done.stdout + done.stderr
        made.first_up, made.second_up = first.result(), second.result()  # type: ignore[attr-defined]
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the last lines of the stack's logs to a failure: the logs may not exist later."""
    report = yield
    if report.failed and (stack := getattr(item, "funcargs", {}).get("stack")):
        report.sections += [(f"end of {name}", text) for name, text in last_words(stack).items()]
    return report
