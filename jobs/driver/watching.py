"""Looks from a thread, while the driver runs, for a reason why it should end."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from jobs.ends import EndError

E = TypeVar("E", bound=EndError)


@contextmanager
def watched(name: str, look: Callable[[], E | None], seconds: float, on_found: Callable[[E], None]) -> Iterator[None]:
    """Calls `look` every so many seconds from a thread of this name, and `on_found` once with the error it returns."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            if (found := look()) is not None:
                on_found(found)
                return
            ended.wait(seconds)

    threading.Thread(target=watch, name=name, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
