"""Implements `./logsieve generate`: runs the generator with a progress bar."""

import signal
import threading
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from include.settings import Settings
from include.source import generator

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
