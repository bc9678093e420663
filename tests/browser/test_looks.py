"""The page is readable in both themes, works on a phone and by keyboard, runs only its own scripts, and loads fast."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.integration.stack import until

CONTRAST = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const over = (colors) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => byte / 255);
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const poor = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        if (!own || !element.checkVisibility() || element.closest(".hidden, .skip, :disabled")) continue;
        const back = [];
        for (let at = element; at; at = at.parentElement) back.unshift(getComputedStyle(at).backgroundColor);
        const [ground, ink] = [over(back), over([...back, getComputedStyle(element).color])].map(light);
        const ratio = Math.max(ground, ink) / Math.min(ground, ink);
        if (ratio < 4.5) poor.push(`${element.className} ${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
    }
    return [...new Set(poor)];
}"""
"""Returns the text that has less contrast than WCAG 2.2 requires (1.4.3, AA)."""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_text_has_contrast_in_both_themes(visit: Callable[..., Visitor], theme: str) -> None:
    page = visit(theme=theme).open()
    expect(page.locator("#logs tbody tr").first).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    poor = page.evaluate(CONTRAST)
    assert poor == []


def test_it_follows_airflows_own_theme(visit: Callable[..., Visitor]) -> None:
    visitor = visit(theme="light")
    frame = visitor.open_in_airflow()
    for theme in ("dark", "light"):
        visitor.page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        expect(frame.locator("html")).to_have_attribute("data-theme", theme)


def test_a_phone_needs_no_sideways_scrolling(visit: Callable[..., Visitor]) -> None:
    page = visit(width=360).open()
    expect(page.locator("#logs tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator("#logs td.received").first.click()
    expect(page.locator("#story h3").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_keyboard_reaches_everything_and_all_controls_have_names(visit: Callable[..., Visitor]) -> None:
    page = visit().open()
    expect(page.locator("#logs tbody tr").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the newest")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#logs-heading")).to_be_focused()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a, input, [tabindex]")].filter((element) =>
            element.checkVisibility() && !(element.textContent.trim() || element.getAttribute("aria-label")
            || element.labels?.length)).map((element) => element.outerHTML)"""
    )
    assert nameless == []
    levels = page.evaluate(
        "[...document.querySelectorAll('body h1, body h2, body h3')].map((each) => +each.tagName[1])"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), "no level is skipped"
    page.locator("[data-action=stop]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Stop the stream?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-action=stop]")).to_be_focused()


def test_only_own_scripts_may_run(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.open()
    answer = page.request.get(page.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    script = "Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'})"
    page.evaluate(f"document.body.append({script})")
    assert page.evaluate("typeof window.ran") == "undefined"
    until(lambda: visitor.complaints, 5, "the browser reports that it refused the script")
    visitor.complaints.clear()


def test_the_first_paint_is_printed(visit: Callable[..., Visitor], capsys: pytest.CaptureFixture[str]) -> None:
    page = visit().open()
    (paint,) = page.evaluate("performance.getEntriesByName('first-contentful-paint').map((entry) => entry.startTime)")
    with capsys.disabled():
        print(f" first contentful paint after {paint:.0f} ms ", end="")  # noqa: T201
    assert paint < 10_000, "a bound that detects a hang; performance is measured in bench/"
