"""A log is untrusted text: whatever it contains is shown unchanged, and never runs."""

import json
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor
from tests.integration.stack import Stack, until

SCRIPT = b"<script>window.hacked = 1</script>"
IMAGE = b'<img src="x" onerror="window.hacked = 1">'
FIELDS = {
    "event_id": "<svg/onload=window.hacked=1>",
    "account_id": "684",
    "event_type": "\u202egpj.exe",
    "device": "<img src=x onerror=window.hacked=1>",
    "location_country": "'\"><b>hostile</b>",
    "event_timestamp": "1619724510",
}
LONG = b"</pre></dialog>" + SCRIPT * 1900
UNREADABLE = b"\x00\x1b[31m\xff\xe2\x80\xae<i>"
SHOWN = {
    SCRIPT: "<script>window.hacked = 1</script>",
    IMAGE: '<img src="x" onerror="window.hacked = 1">',
    LONG: "</pre></dialog><script>window.hacked = 1</script>",
    UNREADABLE: "\\x00\\x1b[31m\\xff\\u{202e}<i>",
}


def leave_the_story(page: Page, key: str) -> None:
    """Closes the dialog and waits until its row has the focus: before, the row would get the keys for the search."""
    page.keyboard.press("Escape")
    expect(page.locator(f"#logs [data-key='{key}']")).to_be_focused()


def test_logs_that_contain_markup_stay_text(visit: Callable[..., Visitor], stack: Stack) -> None:
    suspicious = json.dumps(FIELDS, ensure_ascii=False).encode()
    origins = stack.send([*SHOWN, suspicious, b"", b'"64 KiB": "' + b"<b>" * 21_900])
    until(lambda: len(stack.documents(origins)) == len(origins), 60, "all logs are indexed")
    keys = [f"{partition}-{offset}" for partition, offset in origins]
    page = visit().open()
    for key, shown in zip(keys, SHOWN.values(), strict=False):
        page.fill("#search-text", key)
        page.keyboard.press("Enter")
        expect(page.locator("#logs tbody tr")).to_have_count(1)
        expect(page.locator("#logs td.bytes")).to_contain_text(shown)
        page.locator("#logs td.received").click()
        expect(page.locator("#story pre")).to_contain_text(shown.replace("\\u{202e}", "\\u202e"))
        leave_the_story(page, key)
    for key in keys[len(SHOWN) :]:
        page.fill("#search-text", key)
        page.keyboard.press("Enter")
        expect(page.locator(f"#logs [data-key='{key}']")).to_be_visible()
        page.locator("#logs td.received").click()
        expect(page.locator("#story h3").first).to_be_visible()
        leave_the_story(page, key)

    # The log's fields are also filters: in the lists, the table and the address.
    page.fill("#search-text", keys[len(SHOWN)])
    page.keyboard.press("Enter")
    row = page.locator("#logs tbody tr")
    expect(row.locator("td.event")).to_contain_text(FIELDS["event_id"])
    for name in ("device", "location_country"):
        expect(row.locator(f"td[data-field={name}]")).to_contain_text(FIELDS[name])
    expect(row.locator("td.event")).to_contain_text("\\u{202e}gpj.exe")
    row.get_by_role("button", name="onerror").click()
    expect(page.locator("#chips")).to_contain_text(f"device: {FIELDS['device']}")
    expect(page.locator("#lists")).to_contain_text(FIELDS["location_country"])
    page.reload()
    expect(page.locator("#chips")).to_contain_text(f"device: {FIELDS['device']}")
    expect(page.locator("#live-text")).to_have_text("live")

    assert page.evaluate("typeof window.hacked") == "undefined"
    assert page.locator("main img, main svg, main script, main b, main i, dialog script, dialog img").count() == 0
