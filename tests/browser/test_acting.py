"""A user who may act presses a button and sees the run; a viewer sees no buttons and is refused by the server."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from playwright.sync_api import Frame, Page, expect

from tests.browser.visitor import Visitor, post
from tests.integration.stack import DASHBOARD, LINEAGE_UI, Stack, drivers, last_run, until, wait_until_it_loads

OWN = {"X-Requested-With": "logsieve"}
ACTIONS = {
    "reconcile": {},
    "rejudge": {"account": 684},
    "backfill": {"from": "2026-01-01", "to": "2026-01-01"},
    "stop": {},
    "start": {},
}


def press(page: Page | Frame, action: str) -> None:
    page.locator(f"[data-action={action}]").click()
    page.locator("#ask button[type=submit]").click()


def test_reconcile_shows_its_run_until_it_ends(visit: Callable[..., Visitor], stack: Stack) -> None:
    visitor = visit()
    frame = visitor.open_in_airflow()
    press(frame, "reconcile")
    notices = frame.locator("#notices")
    expect(notices).to_contain_text("of reconcile_logs")
    expect(notices).to_contain_text("has succeeded", timeout=180_000)
    run = notices.get_by_role("link").inner_text().split()[2]
    notices.get_by_role("link").click()
    visitor.page.wait_for_url(f"**/dags/reconcile_logs/runs/{run.replace(':', '*').replace('+', '*')}*")
    expect(visitor.page.locator("iframe")).to_have_count(0)


def test_links_lead_out_of_the_frame(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    frame = visitor.open_in_airflow()
    for name, place in (("Lineage", LINEAGE_UI), ("Grafana", DASHBOARD)):
        with visitor.context.expect_page() as opened:
            frame.get_by_role("link", name=name).click()
        until(
            lambda opened=opened, place=place: opened.value.url in (place, "chrome-error://chromewebdata/"), 10, place
        )
        opened.value.close()
    frame.get_by_role("link", name="Assets").click()
    expect(visitor.page.get_by_text("users_history")).to_be_visible()
    expect(visitor.page.locator("iframe")).to_have_count(0)
    assert re.search(r"/assets/\d+", visitor.page.url)


def test_rejudge_and_backfill_show_their_runs(visit: Callable[..., Visitor]) -> None:
    page = visit().open()
    page.locator("[data-action=rejudge]").click()
    page.get_by_label("By account").check()
    page.get_by_label("Account", exact=True).fill("684")
    page.get_by_role("button", name="Rejudge", exact=True).click()
    expect(page.locator("#notices")).to_contain_text("of rejudge_logs")
    page.locator("[data-action=backfill]").click()
    today = str(datetime.now(UTC).date())  # the one day that has an export
    page.get_by_label("From", exact=True).fill(today)
    page.get_by_label("To", exact=True).fill(today)
    page.get_by_role("button", name="Backfill", exact=True).click()
    notices = page.locator("#notices")
    expect(notices).to_contain_text(f"{today}T00:00:00+00:00 of users_dimension")
    expect(notices).to_contain_text("Backfill: the run has succeeded", timeout=180_000)
    expect(notices.locator(".broken")).to_have_count(0)


def test_the_stream_is_stopped_and_started(visit: Callable[..., Visitor], stack: Stack) -> None:
    visitor = visit()
    page = visitor.open()
    until(lambda: drivers(stack), 60, "a driver runs")
    refused = post(page, "actions/start", {}, OWN)
    assert (refused["status"], "already active" in refused["body"]) == (409, True)
    visitor.complaints.clear()  # of the refusal
    press(page, "stop")
    expect(page.locator("#notices")).to_contain_text("classify_logs")
    until(lambda: not drivers(stack), 60, "the driver has exited")
    until(lambda: last_run(stack)["state"] == "success", 60, "for Airflow it is a success")
    expect(page.locator("#remedies")).to_contain_text("stopped on request")
    press(page, "start")
    expect(page.locator("#notices").get_by_role("link")).to_have_count(2)
    until(lambda: drivers(stack), 60, "a driver runs again")
    wait_until_it_loads(stack)
    expect(page.locator("#headline")).to_contain_text("All is well", timeout=180_000)


def test_a_viewer_sees_everything_and_cannot_act(visit: Callable[..., Visitor]) -> None:
    visitor = visit(user="viewer")
    page = visitor.open()
    expect(page.locator("#actions")).to_contain_text("viewer has read-only access")
    expect(page.locator("#actions button")).to_have_count(0)
    for action, body in ACTIONS.items():
        assert post(page, f"actions/{action}", body, OWN)["status"] == 403, action
    assert all("403" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()
