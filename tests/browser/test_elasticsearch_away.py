"""Elasticsearch is down and recovers: the page shows it, counts with MySQL meanwhile, and recovers by itself."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.visitor import Visitor, totals
from tests.integration.stack import Stack, until


def test_the_page_uses_mysql_while_elasticsearch_is_down(visit: Callable[..., Visitor], stack: Stack) -> None:
    visitor = visit()
    page = visitor.open()
    hop = page.locator("#strip .hop", has_text="Elasticsearch")
    expect(hop.locator(".mark")).to_have_text("✓", timeout=180_000)  # the stream may just have been started
    with stack.away("elasticsearch"):
        expect(hop.locator(".mark")).to_have_text("✕")
        expect(page.locator("#remedies")).to_contain_text("What to do")
        expect(page.locator("#headline")).to_contain_text("Elasticsearch broken")
        expect(page.locator("#notices")).to_contain_text("MySQL")
        expect(page.locator("#lists")).to_contain_text("while Elasticsearch is unreachable")
        before = totals(page)
        assert before["good"] > 0
        until(lambda: totals(page)["good"] > before["good"], 30, "the counts still grow")
        expect(page.locator("#logs tbody tr").first).to_be_visible()
    expect(hop.locator(".mark")).to_have_text("✓", timeout=180_000)
    expect(page.locator("[data-key^='reason=']").first).to_be_visible()
    expect(page.locator("#notices .notice")).to_have_count(0)
    # A busy server may still have been counting: the page asks again.
    assert all("503" in complaint for complaint in visitor.complaints), visitor.complaints
    visitor.complaints.clear()
