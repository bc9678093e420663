"""A real Chromium for the page. In every test it must request nothing from other sites and report no error."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, StorageState, expect, sync_playwright

from include.stack.fetch import browser
from tests.browser.visitor import PATIENT_MS, Visitor, log_in
from tests.integration.stack import Stack


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    program = browser.find()
    if program is None:
        pytest.skip(f"No Chromium is here. {browser.REMEDY}")
    expect.set_options(timeout=PATIENT_MS)
    args = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses its sandbox to root
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=args)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def logins(chromium: Browser, stack: Stack) -> dict[str, StorageState]:
    """The cookies of a login, by user."""
    return {user: log_in(chromium, stack, user) for user in ("admin", "viewer")}


@pytest.fixture
def visit(chromium: Browser, stack: Stack, logins: dict[str, StorageState]) -> Iterator[Callable[..., Visitor]]:
    """Opens a window: `visit(user, theme, width)`. After the test, fails if anything was requested from another site,
    or if the browser or a script reported an error that the test has not removed from `complaints`."""
    visitors: list[Visitor] = []

    def opened(user: str = "admin", theme: str = "light", width: int = 1280) -> Visitor:
        context = chromium.new_context(
            storage_state=logins[user], color_scheme=theme, viewport={"width": width, "height": 900}
        )
        context.set_default_timeout(PATIENT_MS)
        visitors.append(Visitor(stack, context, context.new_page()))
        visitors[-1].watch()
        return visitors[-1]

    yield opened
    for visitor in visitors:
        visitor.context.close()
        assert visitor.foreign() == set(), "only this Airflow gets requests"
        assert visitor.complaints == []
