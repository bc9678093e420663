"""Implements `./logsieve generate` and `./logsieve exports`: generates logs or accounts exports with a progress bar."""

import signal
import threading
from datetime import date, timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from include.settings import Settings
from include.source import generator
from include.source.accounts import Accounts, write_export
from include.stack.errors import StackError
from include.users.export import export_file, is_elsewhere

UNTHROTTLED = 1e9


def generate(
    settings: Settings,
    progress_on: Console,
    out: Console,
    count: int | None,
    seconds: float | None,
    rate: float | None,
    share_bad: float | None,
    share_suspicious: float | None,
    late_days: int | None,
    seed: int | None,
) -> None:
    """Sends logs until `count`, `seconds` or Ctrl-C, then prints how many of each kind were sent."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    columns: list[Any] = [SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}")]
    with Progress(*columns, TimeElapsedColumn(), console=progress_on) as progress:
        task = progress.add_task("", total=count, speed="")

        def show(sent: int, reached: float) -> None:
            progress.update(task, completed=sent, speed=f"{reached:,.0f} logs/s")

        totals = generator.run(
            settings,
            count=count,
            seconds=seconds,
            rate=rate or UNTHROTTLED,
            share_bad=share_bad,
            share_suspicious=share_suspicious,
            late_days=late_days,
            seed=seed,
            on_progress=show,
            stop=stop,
        )
    out.print(", ".join(f"{number:,} {kind}" for kind, number in totals.items()) or "nothing sent")


def write_exports(settings: Settings, progress_on: Console, first: date, last: date, *, force: bool) -> tuple[int, int]:
    """Writes the export of each day from `first` to `last`, inclusive. Returns the numbers of files written and kept.

    With `force`, existing exports are overwritten. Raises StackError if the exports are at a URL, if the contract
    has no dimension, if the days are in the wrong order, or if a file cannot be written.
    """
    folder = settings.accounts_exports
    if is_elsewhere(folder):
        raise StackError(
            f"The accounts exports are at {folder}: another system writes them.",
            "To generate your own, set LOGSIEVE_ACCOUNTS_PATH to a folder.",
        )
    if first > last:
        raise StackError(
            f"The first day, {first}, is after the last day, {last}.",
            "Pass the earlier day as --from; --to defaults to today (UTC).",
        )
    accounts = Accounts.of(settings)
    if not accounts.population.header:
        raise StackError(
            "The contract has no dimension, so there are no accounts exports.",
            "Declare one with [dimension]: docs/contract.md#the-file",
        )
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    missing = [day for day in days if force or not export_file(folder, day).exists()]
    columns = [BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn()]
    with Progress(*columns, console=progress_on) as progress:
        task = progress.add_task("", total=len(missing))
        for day in missing:
            progress.update(task, description=str(day))
            try:
                write_export(folder, day, accounts)
            except OSError as error:
                raise StackError(
                    f"The export of {day} cannot be written: {error}.",
                    "Free disk space or fix permissions, then rerun.",
                ) from error
            progress.advance(task)
    return len(missing), len(days) - len(missing)


def backfill(first: date, last: date, *, again: bool) -> str:
    """The command that loads these days. `again`: also reload days that Airflow has already loaded."""
    command = "./logsieve airflow backfill create --dag-id users_dimension"
    return f"{command} --from-date {first} --to-date {last}{' --reprocess-behavior completed' if again else ''}"
