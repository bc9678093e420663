"""One stack for all tests that need running servers: those of the page, then the integration tests."""

from collections.abc import Generator, Iterator

import pytest

from include.stack.environment import free_ports
from tests.integration.stack import RATE, STATE, UP_SECONDS, Stack, last_words


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    made = Stack(STATE, free_ports())
    if STATE.exists():
        made.run("down")
    try:
        done = made.run("up", "--fresh", "--yes", "--rate", str(RATE), seconds=UP_SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        made.first_up = done  # type: ignore[attr-defined]
        yield made
    finally:
        made.run("down")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows with a failure what the stack has said last: nobody may see its logs later."""
    report = yield
    if report.failed and (stack := getattr(item, "funcargs", {}).get("stack")):
        report.sections += [(f"end of {name}", text) for name, text in last_words(stack).items()]
    return report
