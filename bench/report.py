"""The result tables of the bench, for the terminal and for docs/performance.md."""

from collections.abc import Sequence

from rich.console import Console

from bench.delays import Held
from bench.growth import Grown
from bench.measure import APPLICATION
from bench.page import Cost
from bench.summary import BULK_LIMIT, Summary, warm, whole
from include.stack import tables

HEADER = (
    "", "logs/s", "warm", "endless", "first, s", "application", "Kafka", "MySQL", "Elasticsearch", "indexer",
    "µs/log", "MiB",
)  # fmt: skip
CAPTION = (
    "logs/s: of the whole run, from the start of the process; warm: after the first 30 % of the logs; endless:"
    " after the first 10 %, until one hop had no work left; first: until one log was everywhere; application to"
    " indexer: CPU seconds per million logs; µs/log: CPU of the application, warm; MiB: peak memory of the application."
    " Each figure is the median of the rounds."
)
LATENCY_HEADER = ("trigger", "logs/s", "reached", "to", "p50, ms", "p99, ms", "p99.9, ms", "longest, ms")
LOAD_HEADER = ("trigger", "logs/s", "application", "Kafka", "MySQL", "Elasticsearch", "MiB", "files, MiB")
PAGE_HEADER = ("range", "documents", "first view, ms", "refresh, median, ms", "longest, ms")
GROWTH_HEADER = ("partitions", "executors", "logs/s", "warm", "first", "µs", "all", "MiB")
GROWTH_CAPTION = (
    "executors: none on one machine; logs/s: of the whole run, from the start of the process; warm: after the first"
    " 30 % of the logs; first: seconds until one log was everywhere; µs: CPU of the application for each log, warm;"
    " all: of the servers too; MiB: peak memory of the application."
)
GROUPS = ("application", "kafka", "mysql", "elasticsearch", "indexer")


def lines(summary: Summary) -> list[list[str]]:
    """A row per contestant, with the cells of HEADER."""
    return [
        [
            of.title,
            _number(of.logs_a_second),
            _number(of.warm_logs_a_second),
            _number(of.busy_logs_a_second),
            _number(of.first_seconds, 1),
            *(_number(of.cpu_seconds_a_million.get(group), 1) for group in GROUPS),
            _number(of.warm_microseconds_a_log, 1),
            _number(of.peak_mib),
        ]
        for of in summary.contestants.values()
    ]


def sentences(summary: Summary) -> list[str]:
    """The ratios, one line each."""
    trigger = f"Logsieve ({summary.best_trigger} trigger)"
    compared = {
        "baseline": (trigger, "the baseline"),
        "hand_written": (trigger, "the hand-written consumers"),
        "copy_limit": (trigger, "the copy limit"),
        BULK_LIMIT: ("the indexer alone", "the client's bulk helper"),
    }
    return [
        f"{who} is {_number(summary.ratios[name], 2)} times as fast as {other} warm,"
        f" {_number(summary.ratios_whole_run[name], 2)} times over the whole run,"
        f" {_number(summary.ratios_busy[name], 2)} times with an endless backlog"
        for name, (who, other) in compared.items()
        if summary.ratios_whole_run[name] is not None
    ]


def latency_lines(held: Sequence[Held]) -> list[list[str]]:
    """A row per rate, trigger and hop, with the cells of LATENCY_HEADER."""
    return [
        [
            each.trigger,
            _number(each.rate),
            _number(each.reached),
            hop,
            *(_number(value, 1) for value in (delays.p50, delays.p99, delays.p999, delays.longest)),
        ]
        for each in held
        for hop, delays in (("status", each.to_status), ("MySQL", each.to_mysql))
    ]


def load_lines(held: Sequence[Held]) -> list[list[str]]:
    """A row per rate and trigger, with the cells of LOAD_HEADER: CPU in percent of one core, peaks of the sizes."""
    return [
        [
            each.trigger,
            _number(each.rate),
            *(_number(each.cpu.get(group), 1) for group in GROUPS[:4]),
            *(_number(max(size[place] for size in each.sizes)) for place in (1, 2)),
        ]
        for each in held
    ]


def page_lines(costs: Sequence[Cost]) -> list[list[str]]:
    """A row per range, with the cells of PAGE_HEADER."""
    return [[of.range, *(_number(value) for value in (of.documents, of.first, of.median, of.longest))] for of in costs]


def growth_lines(grown: Sequence[Grown]) -> list[list[str]]:
    """A row per run, with the cells of GROWTH_HEADER."""
    return [
        [
            str(of.partitions),
            str(of.executors or "-"),
            _number(whole(of.run)),
            _number(warm(of.run)),
            _number(of.run.first_seconds, 1),
            _number(of.microseconds(APPLICATION), 1),
            _number(of.microseconds(*of.run.warm_cpu), 1),
            _number(of.run.peak_bytes / 2**20),
        ]
        for of in grown
    ]


def show(console: Console, summary: Summary) -> None:
    """Prints the table, the ratios, and wrong results."""
    tables.show(console, f"{sum(summary.made.values()):,} logs", HEADER, lines(summary))
    for sentence in (CAPTION, *sentences(summary)):
        console.print(sentence, highlight=False)
    for found in summary.wrong:
        console.print(f"[red]✗[/] {found}", highlight=False)


def show_latency(console: Console, held: Sequence[Held]) -> None:
    """Prints the tables of latencies and of their cost."""
    tables.show(console, "Latency from the log", LATENCY_HEADER, latency_lines(held))
    tables.show(console, "CPU meanwhile, in percent of one core", LOAD_HEADER, load_lines(held))


def show_page(console: Console, costs: Sequence[Cost]) -> None:
    """Prints the table of the page's cost."""
    tables.show(console, "Time in Elasticsearch for the page", PAGE_HEADER, page_lines(costs))


def show_growth(console: Console, grown: Sequence[Grown]) -> None:
    """Prints the table of the cost of growth."""
    tables.show(console, "Logs in all sinks", GROWTH_HEADER, growth_lines(grown))
    console.print(GROWTH_CAPTION, highlight=False)


def markdown(summary: Summary) -> str:
    """Table and ratios as Markdown."""
    ratios = "".join(f"- {line}\n" for line in sentences(summary))
    return f"{tables.markdown(HEADER, lines(summary))}\n{CAPTION}\n\n{ratios}"


def latency_markdown(held: Sequence[Held]) -> str:
    """The latencies and their cost as Markdown."""
    return f"{tables.markdown(LATENCY_HEADER, latency_lines(held))}\n{tables.markdown(LOAD_HEADER, load_lines(held))}"


def page_markdown(costs: Sequence[Cost]) -> str:
    """The page's cost as Markdown."""
    return tables.markdown(PAGE_HEADER, page_lines(costs))


def growth_markdown(grown: Sequence[Grown]) -> str:
    """The cost of growth as Markdown."""
    return f"{tables.markdown(GROWTH_HEADER, growth_lines(grown))}\n{GROWTH_CAPTION}\n"


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
