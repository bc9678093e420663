"""docs/sizes.md shows what the functions return, and lists the statements that the code has."""

import io
import re

import pytest
from rich.console import Console

from include.retention import disk_bounds
from include.settings import ROOT
from include.sizes import needs, report
from include.sizes.needs import Server, compute
from include.stack import tables
from include.stack.commands.bench import show_sizes

DOCS = (ROOT / "docs" / "sizes.md").read_text(encoding="utf-8")
STATEMENTS = DOCS[DOCS.index("| statement | where |") :].split("\n\n")[0]
WATCHED = (
    "LOAD DATA LOCAL INFILE", "SHOW WARNINGS", "FOR UPDATE", "FOR SHARE", "READ COMMITTED", "CONSISTENT SNAPSHOT",
    "GET_LOCK", "RELEASE_LOCK", "ON DUPLICATE KEY UPDATE", "REPLACE INTO", "INSERT IGNORE",
    "PARTITION BY RANGE COLUMNS", "REORGANIZE PARTITION", "DROP PARTITION", "RENAME TABLE", "CREATE TEMPORARY TABLE",
    "STRAIGHT_JOIN", "FORCE INDEX", "JSON_CONTAINS", "JSON_QUOTE", "JSON_TABLE", "GROUP_CONCAT", "OVER", "CRC32",
    "TO_BASE64", "FROM_BASE64", "MAX_EXECUTION_TIME", "SET SESSION",
    # Not used: whoever uses one has to look it up for the table.
    "CREATE TRIGGER", "CREATE PROCEDURE", "CREATE VIEW", "FOREIGN KEY", "AUTO_INCREMENT", "FULLTEXT",
    "GENERATED ALWAYS", "SAVEPOINT", "LOCK TABLES", "SKIP LOCKED", "NOWAIT", "WITH RECURSIVE", "LATERAL",
    "JSON_ARRAYAGG", "JSON_VALUE", "MEMBER OF", "EXCHANGE PARTITION", "TRUNCATE PARTITION", "SQL_CALC_FOUND_ROWS",
    "INTO OUTFILE", "CHECKSUM TABLE",
)  # fmt: skip


def sources() -> str:
    files = [path for room in ("include", "jobs", "plugins", "dags") for path in (ROOT / room).rglob("*")]
    chosen = [path for path in files if path.suffix in {".py", ".sql"} and path.name != "airflow.sql"]
    assert len(chosen) > 150
    return "\n".join(path.read_text(encoding="utf-8") for path in chosen)


@pytest.fixture(scope="module")
def code() -> str:
    return sources()


def test_the_three_steps_are_computed():
    assert tables.markdown(*report.steps([compute(rate) for rate in report.STEPS])) in DOCS


def test_the_heaps_are_computed():
    found = [compute(report.STEPS[0], accounts=accounts) for accounts in report.ACCOUNTS]
    assert tables.markdown(report.HEAPS_HEADER, report.heaps(found)) in DOCS


def test_the_costs_are_those_of_the_formula():
    assert tables.markdown(report.COSTS_HEADER, report.costs(), numbers=False) in DOCS


def test_disks_are_as_full_as_the_limit_of_the_embedded_stack_assumes():
    assert disk_bounds._MERGED == needs.FULL


@pytest.mark.parametrize("statement", WATCHED)
def test_a_statement_is_in_the_code_if_it_is_in_the_table(code: str, statement: str):
    word = re.compile(rf"\b{re.escape(statement)}\b")
    assert bool(word.search(code)) == bool(word.search(STATEMENTS)), statement


def test_each_statement_is_where_the_table_says():
    rows = [line.split(" | ") for line in STATEMENTS.splitlines()[2:]]
    assert len(rows) > 20
    for statement, where, *_ in rows:
        files = re.findall(r"\]\(\.\./([\w/.]+)\)", where)
        texts = (
            "\n".join((ROOT / file).read_text(encoding="utf-8") for file in files).replace("'", " ").replace("-", " ")
        )
        for words in re.findall(r"`([^`]+)`", statement):
            assert all(word.upper() in texts.upper() for word in re.findall(r"\w+", words)), (words, files)


@pytest.mark.parametrize("rate", [1, 10_000, 1_000_000, 10_000_000])
def test_the_command_fits_a_terminal(rate: int):
    console = Console(width=80, file=io.StringIO())
    found = compute(rate, 30, 1_000_000_000, Server(96, 4096, 100))
    show_sizes(console, found)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for line in report.remarks(found):
        assert f"{line}\n" in text, "not wrapped"
    assert "LOGSIEVE_EXECUTOR_MEMORY=1000g" in text
    assert ("Not enough: " in text) == (found.bottleneck.logs_a_second < rate)
    assert "\n→ " in text


def test_every_end_has_a_remedy():
    ends = {(need.part, of) for need in compute(1).needs for of in need.ends}
    assert ends == set(report._REMEDIES)
