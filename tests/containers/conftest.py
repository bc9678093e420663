"""The containers, started once for all of these tests; without an engine they are skipped, with the reason."""

import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from include.settings import Settings
from tests.containers import images, volumes
from tests.containers.engine import Engine, NoEngineError, engine
from tests.containers.system import IMAGE, PROJECT, TAG, System


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    with ExitStack() as held:
        try:
            made = held.enter_context(engine())
        except NoEngineError as error:
            pytest.skip(str(error))
        yield made


@pytest.fixture(scope="session")
def system(docker: Engine) -> Iterator[System]:
    try:
        found = images.ensure(docker)
    except NoEngineError as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="containers.", dir=Settings().parts) as name, ExitStack() as held:
        held.callback(images.forget, docker, found)
        made = System(docker, Path(name), found)
        images.build(docker, f"{IMAGE}:{TAG}", made.folder)
        made.compose("down", "--volumes")
        made.has_small_volumes = held.enter_context(volumes.small(docker, PROJECT, made.folder))
        held.callback(made.compose, "down", "--volumes")
        made.up()
        yield made


@pytest.fixture(autouse=True)
def _healthy_at_the_begin(request: pytest.FixtureRequest) -> None:
    """A test finds everything healthy, whatever the test before it broke."""
    if "system" in request.fixturenames:
        request.getfixturevalue("system").wait_until_healthy()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the containers' last words to a failure: they are gone later."""
    report = yield
    if report.failed and (made := getattr(item, "funcargs", {}).get("system")):
        done = made.compose("logs", "--tail", "12", "--no-color", check=False)
        report.sections.append((f"logs of {PROJECT}", done.stdout[-20_000:]))
    return report
