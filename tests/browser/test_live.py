"""The page shows the current stream: it updates by itself, its counts match MySQL, and it shows when it is stale."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Route, expect

from include.names import STATUSES, TABLES
from tests.browser.visitor import Visitor, totals
from tests.integration.stack import Stack, until, wait_until_all_is_loaded

HOPS = ["generator", "server-logs", "classify", "server-logs-status", "MySQL", "Elasticsearch"]


def test_in_airflow_the_counts_grow_while_logs_arrive(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.page.goto(visitor.stack.env.airflow_url)
    visitor.page.get_by_role("link", name="Logs", exact=True).click()
    expect(visitor.page.frame_locator("iframe").locator("#live")).to_contain_text("live")
    (frame,) = visitor.page.frames[1:]
    before = totals(frame)
    until(lambda: all(totals(frame)[status] > before[status] for status in STATUSES), 30, "every count grows")
    expect(frame.locator("#strip h3")).to_have_text(HOPS)
    expect(frame.locator("#headline")).to_contain_text("All is well")
    expect(frame.locator("#logs tbody tr").first).to_be_visible()


def test_the_counts_of_a_past_range_match_mysql(visit: Callable[..., Visitor], stack: Stack) -> None:
    def past() -> tuple[datetime, datetime, dict[str, int]] | None:
        """The ten minutes before this one, with the number of rows by status, once there are some of each."""
        end = datetime.now(UTC).replace(second=0, microsecond=0)
        begin = end - timedelta(minutes=10)
        where = "WHERE received_at >= %s AND received_at < %s"
        span = (begin.replace(tzinfo=None), end.replace(tzinfo=None))
        wait_until_all_is_loaded(stack)
        rows = {
            each: stack.root_sql(f"SELECT COUNT(*) FROM logs.{TABLES[each]} {where}", span)[0][0] for each in STATUSES
        }
        return (begin, end, rows) if min(rows.values()) > 0 else None

    begin, end, rows = until(past, 120, "there are past logs of each status")
    page = visit().open(f"#from={begin:%FT%TZ}&to={end:%FT%TZ}")
    until(lambda: totals(page) == rows, 30, f"the page's counts match MySQL: {rows}")
    page.locator("#chart-table summary").click()
    cells = [int(text.replace(",", "")) for text in page.locator("#chart-table td").all_inner_texts()]
    assert [sum(cells[at::3]) for at in range(3)] == [rows["good"], rows["suspicious"], rows["bad"]], "and its table"


def test_a_hidden_page_does_not_refresh(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.open()
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    hide += " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide, True)
    visitor.asked.clear()
    page.wait_for_timeout(7_000)  # long enough for two refreshes
    assert visitor.asked == []
    page.evaluate(hide, False)
    until(lambda: len(visitor.asked) >= 3, 5, "everything is read at once when the page is visible again")


def test_it_shows_when_it_is_stale_and_recovers(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.open()
    page.route("**/data/**", lambda route: route.abort())
    expect(page.locator("#live")).to_contain_text("stale since")
    expect(page.locator("#notices")).to_contain_text("Airflow does not answer")
    page.unroute("**/data/**")
    expect(page.locator("#live-text")).to_have_text("live")
    expect(page.locator("#notices")).not_to_contain_text("Airflow does not answer")
    assert all("ERR_FAILED" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


def test_a_disk_that_is_nearly_full_is_shown_before_it_is_full(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    short = "1.0 GiB are free at /data, less than 3."

    def fill(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "disk": short})

    visitor.page.route("**/data/hops", fill)
    page = visitor.open()
    expect(page.locator("#notices")).to_contain_text(short)
    expect(page.locator("#headline")).to_have_text("Problems: the disk is nearly full.")
    page.unroute_all(behavior="ignoreErrors")
