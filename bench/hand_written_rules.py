"""The rules, hand-written for speed: plain Python, one log at a time, no framework. Pure.

They meet the contract: tests/unit/bench/test_hand_written_rules.py checks every worked case of tests/spark/cases.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from bench import careful
from include import names
from include.contract.reasons import NOT_JSON
from include.source import shipped

Log = tuple[bytes | None, int, int]
"""Value, offset, and Kafka's timestamp in milliseconds."""
Periods = list[tuple[int, int | None, str]]
"""First day and day after the last (None: still valid), in days since 1970, and the device."""

_REMEMBERED = 100_000
_BEGINNING = datetime(1970, 1, 1)  # UTC, but written without a zone
_PLAIN = re.compile("[0-9]{1,12}")
_UNEXPECTED, _UNKNOWN = (
    (f'["{reason}"]', f'"[""{reason}""]"') for reason in (shipped.UNEXPECTED_DEVICE, shipped.UNKNOWN_ACCOUNT)
)
_NEEDS_CARE = (TypeError, KeyError, ValueError)


class Judged(NamedTuple):
    """Status messages as (key, value), and CSV lines by status, without the columns that `loading` sets."""

    messages: list[tuple[str, bytes]]
    lines: dict[str, list[str]]


def loading(path: str, status: str, partition: int, users_version: int) -> str:
    """The LOAD DATA statement for a file of `Judged.lines`."""
    raw = ", @raw, raw_size" if status == names.BAD else ""
    return (
        f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {names.LOGS_DATABASE}.{names.TABLES[status]} CHARACTER SET utf8mb4"
        """ FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY '' LINES TERMINATED BY '\\n'"""
        f" ({', '.join(shipped.FIELDS)}, reasons, received_at, kafka_offset{raw}) SET status = '{status}',"
        f" kafka_partition = {partition}, users_version = {users_version}, revision = 0"
        f"{', raw = FROM_BASE64(@raw)' if raw else ''}"
    )


class Judge:
    """Judges the logs of one partition. `users`: the periods of each account."""

    def __init__(self, partition: int, users: Mapping[int, Periods], users_version: int) -> None:
        self._partition = partition
        self._users = users
        # Accounts that always had one device, by their text: these need no conversion to a number.
        self._devices = {str(account): of[0][2] for account, of in users.items() if len(of) == 1 and of[0][1] is None}
        self._tail = f'"users_version":{users_version},"revision":0'
        self._times: dict[str, str] = {}
        self._received: dict[int, str] = {}

    def judge(self, logs: Iterable[Log]) -> Judged:
        """The verdicts, in the order of the logs."""
        messages: list[tuple[str, bytes]] = []
        lines: dict[str, list[str]] = {status: [] for status in names.STATUSES}
        add_message, add_good = messages.append, lines[names.GOOD].append
        add_suspicious = lines[names.SUSPICIOUS].append
        loads, devices, times, received = orjson.loads, self._devices, self._times, self._received
        partition, tail = self._partition, self._tail
        for value, offset, when in logs:
            at = received.get(when) or self._received_at(when)
            try:
                log = loads(value)  # type: ignore[arg-type]  # a tombstone raises TypeError
                event_id, event_type, device, country = (
                    log["event_id"], log["event_type"], log["device"], log["location_country"],
                )  # fmt: skip
                account, happened = log["account_id"], log["event_timestamp"]
                time = times.get(happened) or self._time(happened)
                if (
                    # If all together are short enough, so is each one; joining a value that is not text raises.
                    len("".join((event_id, event_type, device, country))) <= shipped.MAX_TEXT
                    and event_id and event_type and device and country
                    # Without an escape, there is no character that JSON or CSV would have to escape again.
                    and b"\\" not in value  # type: ignore[operator]
                ):  # fmt: skip
                    if devices.get(account) == device:
                        status, reasons, quoted, add_line = names.GOOD, "[]", "[]", add_good
                    else:
                        status, add_line = names.SUSPICIOUS, add_suspicious
                        reasons, quoted = self._suspicion(account)
                    add_message((f"{partition}-{offset}", (
                        f'{{"event_id":"{event_id}","account_id":{account},"event_type":"{event_type}",'
                        f'"device":"{device}","location_country":"{country}","event_timestamp":"{time}Z",'
                        f'"status":"{status}","reasons":{reasons},"origin":{{"kafka_partition":{partition},'
                        f'"kafka_offset":{offset}}},"received_at":"{at}Z",{tail}}}'
                    ).encode()))  # fmt: skip
                    add_line(
                        f'"{event_id}",{account},"{event_type}","{device}","{country}",{time},{quoted},{at},{offset}'
                    )
                    continue
            except _NEEDS_CARE:
                pass
            self._carefully(value, offset, at, messages, lines)
        return Judged(messages, lines)

    def _suspicion(self, account: str) -> tuple[str, str]:
        """The reason for a log whose device is not its account's, as JSON and as a CSV cell.

        Raises ValueError or TypeError if the careful rules must decide: the account's text is not a plain number, or
        the account had several devices.
        """
        if account in self._devices:
            return _UNEXPECTED
        number = int(account)
        if str(number) != account or not careful.INT32[0] <= number <= careful.INT32[1] or number in self._users:
            raise ValueError(account)
        return _UNKNOWN

    def _carefully(
        self, value: bytes | None, offset: int, at: str, messages: list[tuple[str, bytes]], lines: dict[str, list[str]]
    ) -> None:
        fields, status, reasons = self.verdict(value)
        message: dict[str, Any] = {
            **fields,
            "event_timestamp": fields["event_timestamp"] and fields["event_timestamp"] + "Z",
            "status": status,
            "reasons": reasons,
            "origin": {"kafka_partition": self._partition, "kafka_offset": offset},
            "received_at": f"{at}Z",
        }
        cells = [*fields.values(), orjson.dumps(reasons).decode(), at, offset]
        if status == names.BAD:
            raw = None if value is None else base64.b64encode(value[: names.MAX_RAW]).decode()
            size = None if value is None else len(value)
            message |= {"raw": raw, "raw_size": size}
            cells += [raw, size]
        text = orjson.dumps(message)[:-1] + f",{self._tail}}}".encode()
        messages.append((f"{self._partition}-{offset}", text))
        lines[status].append(",".join(map(_cell, cells)))

    def verdict(self, value: bytes | None) -> tuple[dict[str, Any], str, list[str]]:
        """The six fields (event_timestamp as ISO 8601 without its Z), status and reasons of one log."""
        try:
            record = careful.record(value)
        except careful.NOT_JSON:
            return dict.fromkeys(shipped.FIELDS), names.BAD, [NOT_JSON]
        fields: dict[str, Any] = {}
        reasons = []
        for field in shipped.FIELDS:
            fields[field], reason = careful.field(field, record)
            reasons += [reason] if reason else []
        if reasons:
            return _shown(fields), names.BAD, reasons
        device = self._device_on(fields["account_id"], fields["event_timestamp"] // 86_400)
        if device is None:
            return _shown(fields), names.SUSPICIOUS, [shipped.UNKNOWN_ACCOUNT]
        if device != fields["device"]:
            return _shown(fields), names.SUSPICIOUS, [shipped.UNEXPECTED_DEVICE]
        return _shown(fields), names.GOOD, []

    def _device_on(self, account: int, day: int) -> str | None:
        for first, end, device in self._users.get(account, ()):
            if first <= day and (end is None or day < end):
                return device
        return None

    def _time(self, happened: Any) -> str:
        """Converts to ISO 8601 without its Z. Raises ValueError or TypeError unless it is text of digits in range."""
        if not _PLAIN.fullmatch(happened) or int(happened) > shipped.MAX_TIMESTAMP:
            raise ValueError(happened)
        if len(self._times) > _REMEMBERED:
            self._times.clear()
        time = self._times[happened] = _iso(int(happened))
        return time

    def _received_at(self, when: int) -> str:
        if len(self._received) > _REMEMBERED:
            self._received.clear()
        within = min(max(when, 0), shipped.MAX_TIMESTAMP * 1000 + 999)
        found = self._received[when] = f"{_iso(within // 1000)}.{within % 1000:03}"
        return found


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    seconds = fields["event_timestamp"]
    return fields | {"event_timestamp": None if seconds is None else _iso(seconds)}


def _iso(seconds: int) -> str:
    return (_BEGINNING + timedelta(seconds=seconds)).isoformat()


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else str(value)
