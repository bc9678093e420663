"""One stack for all tests that need running servers: those of the page, then the integration tests."""

import json
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from include.stack.environment import free_ports
from tests.integration.stack import RATE, STATE, UP_SECONDS, Stack

LINES = 25


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
    """Shows with a failure what the stack's stream and its servers said last: nobody may see its logs later."""
    report = yield
    if report.failed and "stack" in getattr(item, "fixturenames", ()):
        logs = STATE / "logs"
        drivers = sorted(logs.glob("airflow/dag_id=classify_logs/*/*/*.log"), key=lambda path: path.stat().st_mtime)
        for log in [*drivers[-1:], *(logs / f"{name}.log" for name in ("indexer", "watchdog", "supervisord"))]:
            if log.exists():
                report.sections.append((f"end of {log.relative_to(logs)}", last_lines(log)))
    return report


def last_lines(log: Path) -> str:
    """Airflow's are JSON, all but one that is just being written."""
    lines = log.read_text(errors="replace").splitlines()[-LINES:]
    return "\n".join(
        json.loads(line)["event"] if line.startswith("{") and line.endswith("}") else line for line in lines
    )
