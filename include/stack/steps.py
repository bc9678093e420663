"""Shows the progress of long-running work, step by step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """Shows each step with its elapsed time, and keeps a line for each finished step."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
        )

    def __enter__(self) -> "Steps":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def report(self, line: str) -> None:
        """Prints a permanent line above the steps."""
        self._progress.console.print(line, highlight=False, markup=False)

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[str], None]]:
        """Times one step. Yields a function that changes its text."""
        task = self._progress.add_task(text, total=1)
        yield lambda new: self._progress.update(task, description=new)
        self._progress.update(task, completed=1)
