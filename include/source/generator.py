"""The generator stands in for a source system: sends generated logs at a given rate and exports daily accounts."""

import logging
import secrets
import signal
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from include.clients import kafka
from include.contract import reading
from include.names import STATUSES
from include.settings import Settings
from include.source.accounts import Accounts, ensure_export
from include.source.any_log import AnyLogMaker
from include.source.log_maker import LogMaker
from include.source.making import maker as maker_for
from include.source.sender import Sender
from include.users.export import is_elsewhere

LARGEST_STEP: Final = 1000
"""Logs sent between two checks of the clock, the stop mark and the progress."""
LONGEST_WAIT: Final = 0.1
"""Seconds between these checks at a low rate."""

log = logging.getLogger(__name__)


class Pace:
    """Token bucket for the rate: fills with `rate` logs a second and holds at most `catch_up` seconds of them.

    After a stall the generator sends faster, but catches up on at most `catch_up` seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic, catch_up: float = 1.0) -> None:
        self._rate = rate
        self._clock = clock
        self._limit = max(rate * catch_up, 1.0)
        self._due = 0.0
        self._filled_at = clock()

    def due(self) -> int:
        """Number of logs that may be sent now."""
        now = self._clock()
        self._due = min(self._due + (now - self._filled_at) * self._rate, self._limit)
        self._filled_at = now
        return int(self._due)

    def sent(self, logs: int) -> None:
        """Take this many logs out of the bucket."""
        self._due -= logs

    def wait(self) -> float:
        """Seconds until one more log is due, at most LONGEST_WAIT."""
        return min(max((1 - self._due) / self._rate, 0.001), LONGEST_WAIT)


class AccountsExporter:
    """Writes the accounts export of each UTC day when the day begins."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.accounts = Accounts.of(settings)
        self._exports = settings.accounts_exports
        self._clock = clock
        self._day: date | None = None
        if is_elsewhere(self._exports) and self.accounts.population.header:
            log.warning(
                "The accounts exports are at %s: another system must write them, the generator does not", self._exports
            )
        self.ensure_todays_export()

    def ensure_todays_export(self) -> None:
        """Writes today's export if it is missing, once a day. Raises OSError if it cannot be written."""
        day = datetime.fromtimestamp(self._clock(), UTC).date()
        if day != self._day and not is_elsewhere(self._exports):
            ensure_export(self._exports, day, self.accounts)
        self._day = day


def run(
    settings: Settings,
    connection: Mapping[str, Any] | None = None,
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
    """Send logs until `count`, `seconds` or `stop`, whichever is first; returns the number of logs sent by status.

    `connection`: librdkafka's options for Kafka. Arguments that are None come from the settings. Without a seed,
    event_ids differ in every run; the accounts always follow settings.seed. `on_progress(sent, logs a second)` is
    called about once a second. Waits while Kafka is down.
    Raises ValueError for impossible shares or a contract of which no log can be made, OSError if the accounts export
    cannot be written, NotDeliveredError.
    """
    stop = stop or threading.Event()
    exporter = AccountsExporter(settings)

    def make_maker() -> LogMaker | AnyLogMaker:
        return maker_for(
            reading.current(),
            exporter.accounts,
            f"{settings.seed} {secrets.token_hex(16)}" if seed is None else seed,
            share_bad=settings.share_bad if share_bad is None else share_bad,
            share_suspicious=settings.share_suspicious if share_suspicious is None else share_suspicious,
            late_days=settings.late_days if late_days is None else late_days,
        )

    maker = make_maker()
    sender = Sender(connection or kafka.native(settings), stop)
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
            if now - shown_at >= 1:
                if on_progress:
                    on_progress(sent, (sent - shown) / (now - shown_at))
                shown, shown_at = sent, now
                if reading.follow():
                    exporter.accounts = Accounts.of(settings)
                    maker = make_maker()
            exporter.ensure_todays_export()
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
        # In any case, queued logs are delivered, or reported as undelivered.
        sender.close()
    if on_progress:
        on_progress(sent, sent / max(time.monotonic() - started, 0.001))
    return made


def main() -> None:
    """Send logs according to the settings until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    made = run(Settings(), stop=stop)
    log.info("Stopped after %d logs", sum(made.values()))


if __name__ == "__main__":
    main()
