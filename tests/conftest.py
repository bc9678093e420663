"""One stack for all tests that need running servers: the page's tests, then the integration tests."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.settings import Settings
from include.stack.environment import free_ports
from include.stack.fetch import parts
from include.stack.machine import lock
from tests.integration.stack import RATE, STATE, UP_SECONDS, Stack, last_words, until


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    folder = Settings().parts
    parts.fetch_jars(folder)
    parts.fetch_libaio(folder)  # before the hostile shell, whose proxy never answers
    made = Stack(STATE, free_ports())
    if STATE.exists():
        made.run("down")
    try:
        with ThreadPoolExecutor() as pool:
            first = pool.submit(made.run, "up", "--fresh", "--yes", "--rate", str(RATE), seconds=UP_SECONDS)
            until(lambda: first.done() or lock.holder(STATE / "lock")[0], 60, "the first `up` has begun")
            second = pool.submit(made.run, "up", seconds=UP_SECONDS)  # a second `up` meanwhile
            for done in (first.result(), second.result()):
                assert done.returncode == 0, done.stdout + done.stderr
        made.first_up, made.second_up = first.result(), second.result()  # type: ignore[attr-defined]
        yield made
    finally:
        made.run("down")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the last lines of the stack's logs to a failure: the logs may not exist later."""
    report = yield
    if report.failed and (stack := getattr(item, "funcargs", {}).get("stack")):
        report.sections += [(f"end of {name}", text) for name, text in last_words(stack).items()]
    return report
