"""The page of another contract, whose names and labels are hostile: its own files with made-up answers, no stack."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn
from fastapi import Request
from fastapi.responses import Response
from playwright.sync_api import Browser, Page, expect

from include.contract import reading
from include.page import fields, listing, values
from include.page.counts import Part, as_json
from include.page.filters import Filters, chosen, text
from include.settings import ROOT, Settings
from plugins.page import files
from plugins.page.app import PageApp
from tests.integration.stack import until

FILE = ROOT / "tests" / "contracts" / "contract.toml"
HOSTILE = '\\"><script>window.hacked = 1</script>'
LABEL = HOSTILE.replace("\\", "")
ROLES = f"""filters = ["from", "user_id", "ratio", "cached", "address"]
labels = {{ device = "{HOSTILE}", cached = "<i>hit</i>" }}"""
RENAMED = FILE.read_text(encoding="utf-8").replace('"user_name"', '"from"')
CONTRACT = reading.parse(RENAMED.replace('filters = ["method", "country"]', ROLES), FILE)
NOW = datetime.now(UTC)
LINKS = {
    "assets": "/assets/1",
    "dashboard": "https://grafana.example.org/d/logsieve",
    "lineage": "https://marquez.example.org/lineage",
}
VALUES: dict[str, Any] = {
    "from": "\u202e<b>", "user_id": 2**63 - 1, "country": "GB", "device": "x" * 1001, "ratio": 1.5e-7, "cached": False,
    "address": "2001:db8::1", "request_id": "141b3ff2",
}  # fmt: skip
DOCUMENT = VALUES | {
    "origin": {"kafka_partition": 0, "kafka_offset": 7}, "received_at": text(NOW), "status": "suspicious",
    "reasons": ["unusual_country"],
}  # fmt: skip


def app(asked: list[Filters]) -> PageApp:
    """The page with one log; `asked` gets the filters of each request for the counts."""
    made = PageApp(openapi_url=None)
    jars = Settings().parts

    def filters(request: Request) -> Filters:
        return Filters(NOW - timedelta(hours=1), NOW, fields=chosen(CONTRACT, request.query_params.multi_items()))

    @made.get("/static/pin_32.png")
    def icon(request: Request) -> Response:
        return files.own(request, "icon.svg")

    @made.get("/logs/")
    def index(request: Request) -> Response:
        return files.page(request, fields.for_browser(CONTRACT))

    @made.get("/logs/assets/{name}")
    def asset(request: Request, name: str) -> Response:
        return files.own(request, name)

    @made.get("/logs/assets/vendor/{name}")
    def vendor(request: Request, name: str) -> Response:
        return files.vendor(request, name, jars)

    @made.get("/logs/data/me")
    def me() -> dict[str, Any]:
        return {"name": "admin", "may_act": True, "links": LINKS}

    @made.get("/logs/data/hops")
    def hops() -> dict[str, Any]:
        nothing = dict.fromkeys(("users", "reconciled", "chaos", "disk"))
        return {"now": text(datetime.now(UTC)), "hops": [], **nothing}

    @made.get("/logs/data/summary")
    def summary(request: Request) -> dict[str, Any]:
        asked.append(filters(request))
        part = Part(tops={"reasons": Counter({f"too_long_{'x' * 60}": 12_345})})
        for field in fields.listed(CONTRACT):
            part.tops[field.name] = Counter({values.of_document(field, VALUES[field.name]): 3})
        return {"notice": None, **as_json(asked[-1], [part], NOW)}

    @made.get("/logs/data/logs")
    def logs(request: Request) -> dict[str, Any]:
        filters(request)
        return {"notice": None, "logs": [listing.row(CONTRACT, DOCUMENT)], "next": None}

    return made


@pytest.fixture
def asked() -> list[Filters]:
    return []


@pytest.fixture
def address(asked: list[Filters]) -> Iterator[str]:
    """The address of the page, which is served until the test has ended."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # the server may be slow to, and until then the browser is refused
        server = uvicorn.Server(uvicorn.Config(app(asked), log_level="warning", timeout_graceful_shutdown=1))
        serving = threading.Thread(target=server.run, args=([listening],), daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/logs/"
        server.should_exit = True
        serving.join(10)


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The open page. After the test, fails if the browser or a script reported an error."""
    opened, complaints = chromium.new_page(), []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    opened.goto(address)
    expect(opened.locator("#logs tbody tr")).to_be_visible()
    yield opened
    opened.close()
    assert complaints == []


def test_lists_columns_and_search_are_the_contracts(page: Page) -> None:
    lists = ["country", LABEL, "from", "user", "ratio", "<i>hit</i>", "address"]
    expect(page.locator("#lists h3")).to_have_text(["Top reasons", *(f"Suspicious by {label}" for label in lists)])
    columns = ["user", "from", "country", LABEL, "address", "ratio", "<i>hit</i>", "request"]
    own = ["received", "status", "reasons"], ["bytes as received", "origin"]
    expect(page.locator("#logs th")).to_have_text([*own[0], *columns, *own[1]])
    expect(page.locator("#logs td.event")).to_have_text("141b3ff2")
    assert page.locator("#search-text").get_attribute("placeholder") == "Request, user or origin 0-123"
    expect(page.get_by_label("Search by request, user or origin")).to_be_visible()


def test_a_count_stays_on_one_line_beside_a_long_reason(page: Page) -> None:
    page.locator("#lists .entry .number").first.wait_for()
    heights = page.locator("#lists .entry .number").evaluate_all("all => all.map(each => each.offsetHeight)")
    assert len(set(heights)) == 1, heights


def test_every_value_filters_exactly_and_the_address_keeps_it(page: Page, asked: list[Filters]) -> None:
    clicked = ("from", "user_id", "ratio", "cached", "address")
    for name in clicked:
        page.locator(f"#logs td[data-field={name}] button").click()
    expected = {name: (VALUES[name],) for name in clicked}
    until(lambda: dict(asked[-1].fields) == expected, 10, f"the server gets {expected}")
    assert "field.from=" in page.evaluate("location.hash")
    page.reload()
    expect(page.locator("#chips .chip")).to_have_count(len(clicked))
    expect(page.locator("#chips")).to_contain_text("<i>hit</i>: false")
    expect(page.locator("#chips")).to_contain_text("from: \\u{202e}<b>")
    expect(page.locator("[data-key='user_id=9223372036854775807']")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize(("name", "place"), [("Grafana", LINKS["dashboard"]), ("Lineage", LINKS["lineage"])])
def test_what_is_outside_opens_in_a_tab_that_cannot_reach_the_page(page: Page, name: str, place: str) -> None:
    link = page.get_by_role("link", name=name)
    expect(link).to_have_attribute("href", place)
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_logs_are_rejudged_by_time_alone_if_the_key_is_no_number_of_32_bits(page: Page) -> None:
    page.locator("[data-action=rejudge]").click()
    expect(page.get_by_role("dialog").get_by_label("From")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("radio")).to_have_count(0)


def test_nothing_of_the_contract_or_of_a_log_is_markup(page: Page) -> None:
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert page.locator("main script, main i, main b").count() == 0
    expect(page.locator("#logs td[data-field=device]")).to_have_text(f"{'x' * 64}…")
    expect(page.locator("#logs td[data-field=device] button")).to_have_count(0)  # too long for an address
    expect(page.locator("#lists [data-key^='device=']")).to_be_disabled()
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
