"""The generator plays the source system: sends made logs at a chosen rate, and hands over each day's accounts."""

import logging
import secrets
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final

from include.clients import kafka
from include.names import STATUSES
from include.settings import Settings
from include.source.accounts import Accounts, ensure_export
from include.source.log_maker import LogMaker
from include.source.sender import Sender
from include.users.export import is_elsewhere

LARGEST_STEP: Final = 1000
"""Logs sent between two looks at the clock, the stop mark and the progress."""
LONGEST_WAIT: Final = 0.1
"""Seconds between the same looks when the rate is low."""

log = logging.getLogger(__name__)


class Pace:
    """How many logs are due: a bucket that fills at `rate` a second and holds at most `catch_up` seconds of it.

    So after a stall it sends faster than the rate, but never more than that much of what was missed.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic, catch_up: float = 1.0) -> None:
        self._rate = rate
        self._clock = clock
        self._limit = max(rate * catch_up, 1.0)
        self._due = 0.0
        self._filled_at = clock()

    def due(self) -> int:
        """Logs that may be sent now."""
        now = self._clock()
        self._due = min(self._due + (now - self._filled_at) * self._rate, self._limit)
        self._filled_at = now
        return int(self._due)

    def sent(self, logs: int) -> None:
        """Take that many out of the bucket."""
        self._due -= logs

    def wait(self) -> float:
        """Seconds until one more log is due, at most LONGEST_WAIT."""
        return min(max((1 - self._due) / self._rate, 0.001), LONGEST_WAIT)


class AccountsOffice:
    """Hands over the accounts export of each UTC day when the day begins."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.accounts = Accounts(settings.seed, settings.accounts)
        self._exports = settings.accounts_exports
        self._clock = clock
        self._day: date | None = None
        if is_elsewhere(self._exports):
            log.warning("The accounts exports are at %s: another system writes them, not the generator", self._exports)
        self.look_at_the_day()

    def look_at_the_day(self) -> None:
        """Sees that today's export is there, once a day. Raises OSError when it cannot be written."""
        day = datetime.fromtimestamp(self._clock(), UTC).date()
        if day != self._day and not is_elsewhere(self._exports):
            ensure_export(self._exports, day, self.accounts)
        self._day = day


def run(
    settings: Settings,
    *,
    count: int | None = None,
    seconds: float | None = None,
    rate: float | None = None,
    share_bad: float | None = None,
    share_suspicious: float | None = None,
    late_days: int | None = None,
    seed: int | None = None,
    on_progress: Callable[[int, float], None] | None = None,
    stop: threading.Event | None = None,
) -> dict[str, int]:
    """Send logs until `count`, `seconds` or `stop`, whichever is first; returns how many of each status Kafka took.

    What is None comes from the settings. Without a seed no two runs make the same event_ids; the accounts follow
    settings.seed always. `on_progress(sent, logs a second)` is called about once a second. Waits while Kafka is away.
    Raises ValueError for impossible shares, OSError when the accounts export cannot be written, NotDeliveredError.
    """
    stop = stop or threading.Event()
    office = AccountsOffice(settings)
    maker = LogMaker(
        office.accounts,
        f"{settings.seed} {secrets.token_hex(16)}" if seed is None else seed,
        share_bad=settings.share_bad if share_bad is None else share_bad,
        share_suspicious=settings.share_suspicious if share_suspicious is None else share_suspicious,
        late_days=settings.late_days if late_days is None else late_days,
    )
    sender = Sender(kafka.native(settings), stop)
    sender.wait_for_topic()
    made = dict.fromkeys(STATUSES, 0)
    sent = shown = 0
    started = shown_at = time.monotonic()
    pace = Pace(settings.rate if rate is None else rate)
    try:
        while not stop.is_set() and (count is None or sent < count):
            now = time.monotonic()
            if seconds is not None and now - started >= seconds:
                break
            if on_progress and now - shown_at >= 1:
                on_progress(sent, (sent - shown) / (now - shown_at))
                shown, shown_at = sent, now
            office.look_at_the_day()
            step = min(pace.due(), LARGEST_STEP, LARGEST_STEP if count is None else count - sent)
            if not step:
                stop.wait(pace.wait())
            for _ in range(step):
                made_log = maker.make()
                if not sender.send(made_log.key, made_log.value):
                    break
                made[made_log.status] += 1
                sent += 1
            pace.sent(step)
            sender.check()
    finally:
        # However it ends: what was queued is delivered, or counted as not.
        sender.close()
    if on_progress:
        on_progress(sent, sent / max(time.monotonic() - started, 0.001))
    return made


def main() -> None:
    """Send logs as the settings say until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    made = run(Settings(), stop=stop)
    log.info("Stopped after %d logs", sum(made.values()))


if __name__ == "__main__":
    main()
