"""The page shows the current stream: it updates by itself, its counts match MySQL, and it shows when it is stale."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from include.names import STATUSES, TABLES
from tests.browser.visitor import Visitor, totals
from tests.integration.stack import Stack, until

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
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    begin = end - timedelta(minutes=10)
    until(lambda: _loaded_past(stack, end), 60, "logs up to then are loaded")
    where = "WHERE received_at >= %s AND received_at < %s"
    span = (begin.replace(tzinfo=None), end.replace(tzinfo=None))
    rows = {
        status: stack.root_sql(f"SELECT COUNT(*) FROM logs.{TABLES[status]} {where}", span)[0][0] for status in STATUSES
    }
    assert min(rows.values()) > 0
    page = visit().open(f"#from={begin:%FT%TZ}&to={end:%FT%TZ}")
    until(lambda: totals(page) == rows, 30, f"the page's counts match MySQL: {rows}")
    page.locator("#chart-table summary").click()
    cells = [int(text.replace(",", "")) for text in page.locator("#chart-table td").all_inner_texts()]
    assert [sum(cells[at::3]) for at in range(3)] == [rows["good"], rows["suspicious"], rows["bad"]], "and its table"


def _loaded_past(stack: Stack, when: datetime) -> bool:
    """Whether each partition has rows of logs received after the time, so that none before is missing."""
    newest = " UNION ALL ".join(f"SELECT kafka_partition, received_at FROM logs.{table}" for table in TABLES.values())
    query = f"SELECT kafka_partition, MAX(received_at) FROM ({newest}) AS every GROUP BY 1"
    return all(last > when.replace(tzinfo=None) for number, last in stack.root_sql(query) if number < 100)


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
