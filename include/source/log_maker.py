"""Generates logs from a seed with given shares of each status, and labels each with its expected verdict. No I/O."""

import random
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from include import names
from include.contract import reasons
from include.source.accounts import ACCOUNT_NUMBERS, DEVICES, Accounts

FIELDS: Final = ("event_id", "account_id", "event_type", "device", "location_country", "event_timestamp")
TEXT_FIELDS: Final = ("event_id", "event_type", "device", "location_country")
MAX_TEXT: Final = 64
MAX_TIMESTAMP: Final = 253_402_300_799
UNKNOWN_ACCOUNT: Final = "unknown_account"
UNEXPECTED_DEVICE: Final = "unexpected_device"

EVENT_TYPES: Final = ["page_view"] * 50 + ["login"] * 20 + ["logout"] * 15 + ["purchase"] * 10 + ["password_change"] * 5
COUNTRIES: Final = ["GB"] * 30 + ["US"] * 25 + ["DE"] * 15 + ["FR"] * 10 + ["IN"] * 10 + ["BR"] * 5 + ["JP"] * 5

DAY_SECONDS: Final = 86_400
DRAWN_AT_ONCE: Final = 500
"""Accounts and times are drawn in batches of this size, which costs a hundredth of drawing them singly."""

Fields = dict[str, Any]
Spoil = Callable[[random.Random, Fields], bytes | None]


class Log(NamedTuple):
    """A message for the logs topic, with its expected status. `kind` is a key of REASONS."""

    key: bytes
    value: bytes | None
    status: str
    kind: str


class BadKind(NamedTuple):
    """One way to break the contract: the expected reasons, and how to build it from a good log's fields."""

    reasons: tuple[str, ...]
    spoil: Spoil


def _without(field: str) -> Spoil:
    return lambda rng, fields: orjson.dumps({name: value for name, value in fields.items() if name != field})


def _with(field: str, *values: Any) -> Spoil:
    return lambda rng, fields: orjson.dumps(fields | {field: rng.choice(values)})


def _text(change: Callable[[random.Random, bytes], bytes | None]) -> Spoil:
    return lambda rng, fields: change(rng, orjson.dumps(fields))


def _not_json_kinds() -> dict[str, Spoil]:
    return {
        "broken_text": lambda rng, fields: f"ERROR upstream timed out after {rng.randrange(60)} s".encode(),
        "single_quotes": _text(lambda rng, text: text.replace(b'"', b"'")),
        "not_a_number": _text(lambda rng, text: text[:-1] + b',"load":NaN}'),
        "trailing_text": _text(lambda rng, text: text + rng.choice([b" trailing", b"{}", b"]", b","])),
        "array": _text(lambda rng, text: b"[" + text + b"]"),
        "scalar": lambda rng, fields: rng.choice([b"null", b"684", b"true", b'"a text"']),
        "truncated": _text(lambda rng, text: text[: rng.randrange(1, len(text))]),
        "not_utf8": _text(lambda rng, text: text[:-2] + rng.choice([b"\xff", b"\xc3", b"\xed\xa0\x80"]) + text[-2:]),
        "empty_message": lambda rng, fields: b"",
        "tombstone": lambda rng, fields: None,
    }


def _bad_kinds() -> dict[str, BadKind]:
    kinds = {kind: BadKind((reasons.NOT_JSON,), spoil) for kind, spoil in _not_json_kinds().items()}
    for field in FIELDS:
        kinds[reasons.missing(field)] = BadKind((reasons.missing(field),), _without(field))
        kinds[reasons.null(field)] = BadKind((reasons.null(field),), _with(field, None))
        for json_type, values in {"boolean": (True, False), "object": ({}, {"a": 1}), "array": ([], ["a"])}.items():
            kinds[f"{json_type}_{field}"] = BadKind((reasons.invalid(field),), _with(field, *values))
    for field in TEXT_FIELDS:
        kinds[reasons.empty(field)] = BadKind((reasons.empty(field),), _with(field, ""))
        too_long = ("x" * (MAX_TEXT + 1), "é" * 200)
        kinds[reasons.too_long(field)] = BadKind((reasons.too_long(field),), _with(field, *too_long))
    for field in ("account_id", "event_timestamp"):
        kinds[f"fraction_{field}"] = BadKind((reasons.invalid(field),), _with(field, 684.5, "684.5"))
        kinds[f"text_{field}"] = BadKind((reasons.invalid(field),), _with(field, "abc", "", "12x"))
    out_of_range: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
        ("account_id_out_of_range", "account_id", (2**31, str(2**31), -(2**31) - 1, str(10**30))),
        ("negative_event_timestamp", "event_timestamp", (-1, "-1", "-1619724510")),
        ("event_timestamp_after_9999", "event_timestamp", (MAX_TIMESTAMP + 1, str(10**30))),
    )
    for kind, field, wrong in out_of_range:
        kinds[kind] = BadKind((reasons.invalid(field),), _with(field, *wrong))
    kinds["two_faults"] = BadKind(
        (reasons.null("account_id"), reasons.empty("device")),
        lambda rng, fields: orjson.dumps(fields | {"account_id": None, "device": ""}),
    )
    return kinds


BAD_KINDS: Final = _bad_kinds()
REASONS: Final[dict[str, tuple[str, ...]]] = {
    names.GOOD: (),
    UNKNOWN_ACCOUNT: (UNKNOWN_ACCOUNT,),
    UNEXPECTED_DEVICE: (UNEXPECTED_DEVICE,),
    **{kind: made.reasons for kind, made in BAD_KINDS.items()},
}
"""Expected reasons of a verdict, by the kind of log."""


class LogMaker:
    """Endless, seeded source of logs. The same arguments and the same clock give the same bytes.

    A log's event_timestamp is now, or any second of the last `late_days` days; its device is its account's device on
    that UTC day. `clock`: seconds since 1970. Raises ValueError if the two shares add up to more than 1.
    """

    def __init__(
        self,
        accounts: Accounts,
        seed: int | str,
        *,
        share_bad: float,
        share_suspicious: float,
        late_days: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if min(share_bad, share_suspicious) < 0 or round(share_bad + share_suspicious, 9) > 1:
            raise ValueError(
                f"share_bad {share_bad} and share_suspicious {share_suspicious} must be 0 or more, and at most 1 in all"
            )
        self._rng = random.Random(seed)  # noqa: S311  made-up data, no secrets
        self._accounts = accounts
        self._bad_below = share_bad
        self._suspicious_below = share_bad + share_suspicious
        self._late_seconds = late_days * DAY_SECONDS
        self._clock = clock
        self._bad_kinds = list(BAD_KINDS.items())
        self._drawn: list[tuple[int, str, int]] = []
        self._drawn_in = 0

    def make(self) -> Log:
        """The next log."""
        rng = self._rng
        account, device, when = self._next()
        draw = rng.random()
        if draw < self._bad_below:
            kind, (_, spoil) = rng.choice(self._bad_kinds)
            fields = orjson.loads(self._text(account, device, when))
            return Log(b"%d" % account, spoil(rng, fields), names.BAD, kind)
        if draw < self._suspicious_below:
            if rng.random() < 0.5:
                kind, account = UNKNOWN_ACCOUNT, self._unknown_account()
            else:
                kind, device = UNEXPECTED_DEVICE, rng.choice([other for other in DEVICES if other != device])
            return Log(b"%d" % account, self._text(account, device, when), names.SUSPICIOUS, kind)
        return Log(b"%d" % account, self._text(account, device, when), names.GOOD, names.GOOD)

    def _next(self) -> tuple[int, str, int]:
        """The next account, its device, and the event_timestamp."""
        now = int(self._clock())
        if not self._drawn or self._drawn_in != now // 60:
            self._draw(now)
        account, device, when = self._drawn.pop()
        return account, device, when if self._late_seconds else now

    def _draw(self, now: int) -> None:
        """Draws accounts and times for the next logs, valid for this minute."""
        bits = np.frombuffer(self._rng.randbytes(16 * DRAWN_AT_ONCE), np.uint64).reshape(2, DRAWN_AT_ONCE)
        times = now - (bits[0] % (self._late_seconds + 1)).astype(np.int64)
        numbers, devices = self._accounts.at((bits[1] % self._accounts.count).astype(np.int64), times // DAY_SECONDS)
        named = [DEVICES[device] for device in devices.tolist()]
        self._drawn = list(zip(numbers.tolist(), named, times.tolist(), strict=True))
        self._drawn_in = now // 60

    def _unknown_account(self) -> int:
        number = self._rng.randrange(-(2**31), 2**31 - len(ACCOUNT_NUMBERS))
        return number if number < ACCOUNT_NUMBERS.start else number + len(ACCOUNT_NUMBERS)

    def _text(self, account: int, device: str, when: int) -> bytes:
        # Formatting is three times as fast as a JSON library, and safe: none of these values needs an escape.
        rng = self._rng
        return (
            f'{{"event_id":"{rng.getrandbits(128):032x}","account_id":"{account}",'
            f'"event_type":"{rng.choice(EVENT_TYPES)}","device":"{device}",'
            f'"location_country":"{rng.choice(COUNTRIES)}","event_timestamp":"{when}"}}'
        ).encode()
