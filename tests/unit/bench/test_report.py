"""Tables in terminals that are narrower than they are."""

import re

import pytest
from rich.console import Console

from bench.report import HEADER, LATENCY_HEADER
from include.stack import tables

INDEXED = [
    "Logsieve, real-time, and the indexer",
    "113,656",
    "114,002",
    "88,014",
    "6.8",
    "17.2",
    "1.1",
    "7.0",
    "42.0",
    "9.1",
]
HELD = ["Logsieve, real-time", "5,000", "5,000", "status", "2.7", "7.2", "255.0", "555.0"]
ROWS = {HEADER: [[*INDEXED, "17.2", "1,240"]], LATENCY_HEADER: [HELD]}


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("header", ROWS)
def test_nothing_is_cut_and_no_line_is_too_long(header: tuple[str, ...], width: int) -> None:
    console = Console(width=width, record=True)
    with console.capture() as printed:
        tables.show(console, "1,000,000 logs", header, ROWS[header])
    text = printed.get()
    assert max(map(len, text.splitlines())) <= width
    cells = [cell.strip() for line in text.splitlines() for cell in re.split("[│┃]", line)]
    for word in (*header, *ROWS[header][0]):
        assert word in cells, word
    assert text.count("1,000,000 logs") == 1
    count = cells.count(ROWS[header][0][0])
    assert count == 1 if width == 200 else count > 1, "each part says whose figures these are"
