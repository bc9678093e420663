"""Clicking a value filters everything, the address keeps the view, and a log can be found and opened."""

import json
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor, totals
from tests.integration.stack import Stack, until

COUNTRY = "[data-field=location_country]"


def rows(page: Page, column: str) -> list[str]:
    return page.locator(f"#logs td{column}").all_inner_texts()


def test_clicking_a_reason_filters_everything_and_can_be_shared(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.open()
    entry = page.locator("[data-key='reason=unexpected_device']")
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#chips")).to_contain_text("reason: unexpected_device")
    until(lambda: totals(page)["bad"] == totals(page)["good"] == 0, 10, "only logs with this reason are counted")
    assert totals(page)["suspicious"] > 0
    until(lambda: set(rows(page, ".reasons")) == {"unexpected_device"}, 10, "and listed")

    country = page.locator("[data-key^='location_country=']").first
    name = country.locator(".name").inner_text()
    country.click()
    until(lambda: set(rows(page, COUNTRY)) == {name}, 10, "a second filter narrows the list")
    view = page.evaluate("location.hash")

    other = visit().open(view)
    expect(other.locator("#chips .chip")).to_have_count(2)
    until(lambda: set(rows(other, COUNTRY)) == {name}, 10, "the address alone opens the same view")
    other.get_by_role("button", name="Clear all").click()
    expect(other.locator("#chips .chip")).to_have_count(0)
    until(lambda: totals(other)["good"] > 0, 10, "all logs are counted again")


def test_dragging_and_keys_zoom(visit: Callable[..., Visitor]) -> None:
    page = visit().open()
    box = page.locator("#chart .u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 60, steps=5)
    page.mouse.up()
    expect(page.get_by_role("button", name="Zoomed")).to_be_visible()
    from_drag = page.evaluate("location.hash")
    assert "from=" in from_drag
    page.locator("#chart").focus()
    page.keyboard.press("End")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("#readout")).to_contain_text("good")
    page.keyboard.press("Enter")
    until(lambda: page.evaluate("location.hash") != from_drag, 5, "a selection with keys zooms further")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Last hour")).to_have_attribute("aria-pressed", "true")


def test_a_log_is_found_by_event_account_and_origin_and_shows_its_history(
    visit: Callable[..., Visitor], stack: Stack
) -> None:
    fields = {"event_id": "looked-for-1", "account_id": "684", "event_type": "other", "location_country": "FR"}
    log = fields | {"device": "A-SPARE-ONE", "event_timestamp": "1619724510"}
    ((partition, offset),) = stack.send([json.dumps(log).encode()])
    origin = f"{partition}-{offset}"
    until(lambda: stack.documents([(partition, offset)]), 60, "the log is indexed")
    page = visit().open()
    for words in ("looked-for-1", origin, "684"):
        page.fill("#search-text", words)
        page.keyboard.press("Enter")
        expect(page.locator(f"#logs [data-key='{origin}']")).to_be_visible()
    page.locator(f"#logs [data-key='{origin}']").focus()
    page.keyboard.press("Enter")
    story = page.get_by_role("dialog")
    expect(story).to_contain_text("the account has another device in the users dimension")
    expect(story).to_contain_text('"device": "A-SPARE-ONE"')
    expect(story).to_contain_text("logs.suspicious_logs")
    assert f"log={origin}" in page.evaluate("location.hash")
    page.keyboard.press("Escape")
    expect(story).not_to_be_visible()
    expect(page.locator(f"#logs [data-key='{origin}']")).to_be_focused()
    expect(visit().open(f"#log={origin}").get_by_role("dialog")).to_contain_text("A-SPARE-ONE")


def test_older_logs_are_on_further_pages(visit: Callable[..., Visitor]) -> None:
    page = visit().open()
    expect(page.locator("#logs tbody tr").first).to_be_visible()
    newest = rows(page, ".origin")
    page.get_by_role("button", name="Older").click()
    expect(page.locator("#logs-state")).to_contain_text("Page 2")
    assert not set(newest) & set(rows(page, ".origin"))
    page.get_by_role("button", name="Newer").click()
    expect(page.get_by_role("button", name="Newer")).to_be_disabled()
