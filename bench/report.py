"""The tables of a bench, for the terminal and for docs/performance.md."""

from rich.console import Console
from rich.table import Table

from bench.summary import Summary

HEADER = (
    "", "logs/s, whole run", "logs/s, warm", "first log, s", "CPU s a million: application", "Kafka", "MySQL",
    "Elasticsearch", "indexer", "µs a log, warm", "peak, MiB",
)  # fmt: skip
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
    against = {"baseline": "the baseline", "hand_written": "the hand-written one", "copy_limit": "the copy limit"}
    return [
        f"{_number(summary.ratios[name], 2)} times {title} warm, {_number(summary.ratios_whole_run[name], 2)} over the"
        f" whole run ({summary.best_trigger} trigger)"
        for name, title in against.items()
        if summary.ratios_whole_run[name] is not None
    ]


def show(console: Console, summary: Summary) -> None:
    """Prints table, ratios, and what is wrong."""
    table = Table(*HEADER, title=f"{sum(summary.made.values()):,} logs", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for line in lines(summary):
        table.add_row(*line)
    console.print(table)
    for sentence in sentences(summary):
        console.print(sentence, highlight=False)
    for found in summary.wrong:
        console.print(f"[red]✗[/] {found}", highlight=False)


def markdown(summary: Summary) -> str:
    """The same as Markdown."""
    table = [f"| {' | '.join(HEADER)} |", "| --- |" + " ---: |" * (len(HEADER) - 1)]
    table += [f"| {' | '.join(line)} |" for line in lines(summary)]
    return "\n".join([*table, "", *(f"- {sentence}" for sentence in sentences(summary))]) + "\n"


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
