"""The tables of a chaos run, for the terminal and for docs/reliability.md."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from include.stack import tables
from include.stack.chaos.count import Result

KEPT = "chaos.json"
FAULTS = ("lost", "doubled", "in two tables", "other content")


def show(console: Console, result: Result) -> None:
    """Prints both tables."""
    for title, header, rows in _tables(result):
        tables.show(console, title, header, rows)
    for sentence in result.sentences:
        console.print(sentence, highlight=False)
    console.print("[green]Nothing lost, nothing doubled." if result.passed else "[red]Not every count is 0.")


def markdown(result: Result) -> str:
    """Both tables as Markdown."""
    return "\n".join(f"{title}\n\n{tables.markdown(header, rows)}" for title, header, rows in _tables(result))


def save(result: Result, file: Path) -> None:
    """Writes the Markdown."""
    file.write_text(markdown(result), encoding="utf-8")


def keep(result: Result, state: Path) -> None:
    """Writes logs, kills, seed, minutes, at and rows as JSON to the user's stack (`state`), for its page."""
    state.mkdir(parents=True, exist_ok=True)
    kept = {
        "logs": result.sent,
        "kills": sum(result.kills.values()),
        "seed": result.seed,
        "minutes": result.minutes,
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "rows": [[hop, *(found[fault] for fault in FAULTS)] for hop, found in result.faults.items()],
    }
    (state / KEPT).write_text(json.dumps(kept), encoding="utf-8")


def _tables(result: Result) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    kills = sum(result.kills.values())
    yield (
        f"{result.sent:,} logs, {kills} kills, seed {result.seed}, {result.minutes} minutes",
        ["hop", *FAULTS],
        [[hop, *(f"{found[fault]:,}" for fault in FAULTS)] for hop, found in result.faults.items()],
    )
    yield (
        "First verdict of a log sent after the kill",
        ["killed", "times", "longest, s"],
        [[kind, str(count), f"{result.seconds[kind]:.1f}"] for kind, count in sorted(result.kills.items())],
    )
