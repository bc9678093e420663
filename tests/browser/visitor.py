"""A user of the page "Logs" in a real browser: logs in, opens it, and records the browser's requests and errors."""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Frame, Page, StorageState, expect

from tests.integration.stack import PATIENCE, Stack

PATIENT_MS = PATIENCE * 10_000
FRAMED = "/plugin/logs-page"
STATUSES = ("good", "suspicious", "bad")


@dataclass
class Visitor:
    """One window. `asked`: addresses of all requests; `complaints`: errors of scripts and the console, and dialogs."""

    stack: Stack
    context: BrowserContext
    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        self.page.on("dialog", lambda dialog: (self.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))

    def open(self, view: str = "") -> Page:
        """Opens the page on its own, with the view given after # in the address; waits for its first numbers."""
        self.page.goto("about:blank")  # otherwise a change after # alone would not reload the page
        self.page.goto(f"{self.stack.env.airflow_url}/logs/{view}")
        expect(self.page.locator("#live")).to_contain_text("live")
        return self.page

    def open_in_airflow(self, view: str = "") -> Frame:
        """Opens the page within Airflow, in its frame."""
        self.page.goto(f"{self.stack.env.airflow_url}{FRAMED}{view}")
        self.page.locator("iframe").wait_for()
        (frame,) = self.page.frames[1:]
        expect(frame.locator("#live")).to_contain_text("live")
        return frame

    def foreign(self) -> set[str]:
        """Addresses outside this Airflow that were requested."""
        own = self.stack.env.airflow_url + "/"
        return {url for url in self.asked if not url.startswith((own, "data:", "blob:", "about:"))}


def log_in(browser: Browser, stack: Stack, user: str) -> StorageState:
    """Logs in through Airflow's own form, as a user does; returns the cookies."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(stack.env.airflow_url)
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", stack.passwords[f"airflow_{user}"])
    page.click("button[type=submit]")
    expect(page.get_by_role("link", name="Dags", exact=True)).to_be_visible()
    state = context.storage_state()
    context.close()
    return state


def totals(page: Page | Frame) -> dict[str, int]:
    """The page's count of each status."""
    return {status: int(page.locator(f"#totals .{status}").get_attribute("data-count") or 0) for status in STATUSES}


def post(page: Page, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Sends a request from a script of the page; returns the answer's `status` and `body`."""
    return page.evaluate(
        """async ([path, body, headers]) => {
            headers = { "Content-Type": "application/json", ...headers };
            const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
            return { status: answer.status, body: await answer.text() };
        }""",
        [path, body, headers or {}],
    )
