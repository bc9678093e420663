"""The tables of a bench, for the terminal and for docs/performance.md."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.delays import Held
from bench.summary import BULK_LIMIT, Summary

HEADER = (
    "", "logs/s", "warm", "first, s", "application", "Kafka", "MySQL", "Elasticsearch", "indexer", "µs/log", "MiB",
)  # fmt: skip
CAPTION = (
    "logs/s: of the whole run, from the start of the process; warm: behind the first 30 % of the logs; first: until one"
    " log was everywhere; application to indexer: CPU seconds a million logs; µs/log: CPU of the application, warm;"
    " MiB: most memory of the application. Each is the median of the rounds."
)
LATENCY_HEADER = ("trigger", "logs/s", "reached", "to", "p50, ms", "p99, ms", "p99.9, ms", "longest, ms")
GROUPS = ("application", "kafka", "mysql", "elasticsearch", "indexer")


def lines(summary: Summary) -> list[list[str]]:
    """A row a contestant, with the cells of HEADER."""
    return [
        [
            of.title,
            _number(of.logs_a_second),
            _number(of.warm_logs_a_second),
            _number(of.first_seconds, 1),
            *(_number(of.cpu_seconds_a_million.get(group), 1) for group in GROUPS),
            _number(of.warm_microseconds_a_log, 1),
            _number(of.peak_mib),
        ]
        for of in summary.contestants.values()
    ]


def sentences(summary: Summary) -> list[str]:
    """The ratios, a line each."""
    trigger = f"Logsieve ({summary.best_trigger} trigger)"
    compared = {
        "baseline": (trigger, "the baseline"),
        "hand_written": (trigger, "the hand-written one"),
        "copy_limit": (trigger, "the copy limit"),
        BULK_LIMIT: ("the indexer alone", "the client's bulk helper"),
    }
    return [
        f"{who} is {_number(summary.ratios[name], 2)} times as fast as {other} warm,"
        f" {_number(summary.ratios_whole_run[name], 2)} times over the whole run"
        for name, (who, other) in compared.items()
        if summary.ratios_whole_run[name] is not None
    ]


def latency_lines(held: Sequence[Held]) -> list[list[str]]:
    """A row a rate, trigger and hop, with the cells of LATENCY_HEADER."""
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


def show(console: Console, summary: Summary) -> None:
    """Prints table, ratios, and what is wrong."""
    _print(console, f"{sum(summary.made.values()):,} logs", HEADER, lines(summary))
    for sentence in (CAPTION, *sentences(summary)):
        console.print(sentence, highlight=False)
    for found in summary.wrong:
        console.print(f"[red]✗[/] {found}", highlight=False)


def show_latency(console: Console, held: Sequence[Held]) -> None:
    """Prints the table of latencies."""
    _print(console, "From the log to", LATENCY_HEADER, latency_lines(held))


def markdown(summary: Summary) -> str:
    """Table and ratios as Markdown."""
    table = _markdown(HEADER, lines(summary))
    return "\n".join([*table, "", CAPTION, "", *(f"- {line}" for line in sentences(summary))]) + "\n"


def latency_markdown(held: Sequence[Held]) -> str:
    """The latencies as Markdown."""
    return "\n".join(_markdown(LATENCY_HEADER, latency_lines(held))) + "\n"


def _print(console: Console, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*header, title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    first = [f"| {' | '.join(header)} |", "| --- |" + " ---: |" * (len(header) - 1)]
    return first + [f"| {' | '.join(row)} |" for row in rows]


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
