"""Cache of short-lived results shared by concurrent callers; each result is computed once at a time."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Shared:
    """Keeps up to `most` results for `seconds` each. Thread-safe."""

    def __init__(self, seconds: float, most: int = 64, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The cached result, or that of `make` now. Errors of `make` are raised and not cached."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._most:
                self._slots.popitem(last=False)
        with slot.lock:  # concurrent callers wait for the thread that computes it
            if slot.made_at is None or self._clock() - slot.made_at >= self._seconds:
                slot.result = make()
                slot.made_at = self._clock()
            result: T = slot.result
            return result


class _Slot:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made_at: float | None = None
        self.result: Any = None
