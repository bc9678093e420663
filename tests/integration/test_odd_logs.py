"""Hand-made logs of every odd kind, sent by another client: each gets the verdict of the contract at every hop."""

import base64
import json
from typing import Any

from include.names import TABLES
from tests.integration.stack import Stack, until

FIRST = {
    "event_id": "141b3ff2a92111ebbfae367ddad5b1fa", "account_id": "684", "event_type": "other", "device": "ANDROID",
    "location_country": "FR", "event_timestamp": "1619724510",
}  # fmt: skip


def log(**changes: Any) -> bytes:
    return json.dumps(FIRST | changes).encode()


def without(field: str) -> bytes:
    return json.dumps({name: value for name, value in FIRST.items() if name != field}).encode()


def cases(device: str) -> list[tuple[str, bytes | None, str, list[str]]]:
    """Description, bytes, status and reasons of each case; `device` is the device of account 684."""
    good = {"device": device}
    other = "IOS" if device != "IOS" else "ANDROID"
    return [
        ("the first case", log(**good), "good", []),
        ("a number as account", log(**good, account_id=684), "good", []),
        ("an extra field", log(**good, extra={"a": [1]}), "good", []),
        ("a repeated name, the last counts", log(**good)[:-1] + b', "event_type": "last"}', "good", []),
        ("white space around", b" \n\t" + log(**good) + b"\r\n", "good", []),
        ("the last day", log(**good, event_timestamp="253402300799"), "good", []),
        ("text of 64 characters beyond ASCII", log(**good, event_type="\U0001f600" * 64), "good", []),
        ("quotes, backslash, newline, NUL", log(**good, event_type='"\\\n\r\t\x00,NULL'), "good", []),
        ("another device", log(device=other), "suspicious", ["unexpected_device"]),
        ("another case of letters", log(device=device.lower()), "suspicious", ["unexpected_device"]),
        ("an unknown account", log(**good, account_id="-5"), "suspicious", ["unknown_account"]),
        *((f"{field} is null", log(**{**good, field: None}), "bad", [f"null_{field}"]) for field in FIRST),
        *((f"{field} is missing", without(field), "bad", [f"missing_{field}"]) for field in FIRST),
        ("a fraction", log(account_id=684.5), "bad", ["invalid_account_id"]),
        ("beyond 32 bits", log(account_id="2147483648"), "bad", ["invalid_account_id"]),
        ("before 1970", log(event_timestamp="-1"), "bad", ["invalid_event_timestamp"]),
        ("after 9999", log(event_timestamp="253402300800"), "bad", ["invalid_event_timestamp"]),
        ("an empty text", log(device=""), "bad", ["empty_device"]),
        ("65 characters", log(event_id="x" * 65), "bad", ["too_long_event_id"]),
        ("a boolean", log(device=True), "bad", ["invalid_device"]),
        ("an object", log(device={"a": 1}), "bad", ["invalid_device"]),
        ("two faults", log(device=None, account_id="x"), "bad", ["invalid_account_id", "null_device"]),
        ("single quotes", str(FIRST).encode(), "bad", ["not_json"]),
        ("NaN", log(extra=1).replace(b'"extra": 1', b'"extra": NaN'), "bad", ["not_json"]),
        ("text after the object", log(**good) + b" x", "bad", ["not_json"]),
        ("two objects", log(**good) + log(**good), "bad", ["not_json"]),
        ("an array", b"[" + log(**good) + b"]", "bad", ["not_json"]),
        ("a closing bracket", log(**good) + b"]", "bad", ["not_json"]),
        ("a comma", log(**good) + b",", "bad", ["not_json"]),
        ("not UTF-8", log(**good).replace(b"FR", b"\xff\xfe"), "bad", ["not_json"]),
        ("an empty message", b"", "bad", ["not_json"]),
        ("a tombstone", None, "bad", ["not_json"]),
        ("a scalar", b"684", "bad", ["not_json"]),
        ("markup", b"<script>alert(1)</script>", "bad", ["not_json"]),
        ("100 KiB of rubbish", b"\x00\xff" * 51_200, "bad", ["not_json"]),
    ]


def test_each_odd_log_gets_the_verdict_of_the_contract(stack: Stack) -> None:
    device = stack.first_device(684)
    wanted = cases(device)
    since = stack.ends("server-logs-status")
    origins = stack.send([value for _, value, _, _ in wanted])
    keys = [f"{partition}-{offset}" for partition, offset in origins]

    until(lambda: all(_row(stack, origin) for origin in origins), 60, "every odd log is in a table")
    until(
        lambda: len(stack.hits(keys)) == len(keys),
        30,
        "every odd log is in the index",
    )
    documents = {hit["_id"]: hit["_source"] for hit in stack.hits(keys)}
    verdicts = {found.key.decode(): json.loads(found.value) for found in stack.messages("server-logs-status", since)}
    for (what, value, status, reasons), origin, key in zip(wanted, origins, keys, strict=True):
        rows = _row(stack, origin)
        assert [row["status"] for row in rows] == [status], what
        assert json.loads(rows[0]["reasons"]) == verdicts[key]["reasons"] == documents[key]["reasons"], what
        assert sorted(verdicts[key]["reasons"]) == sorted(reasons), what
        assert verdicts[key] == documents[key], what
        assert verdicts[key]["status"] == status, what
        if status == "bad":
            kept = value[: 64 * 1024] if value is not None else None
            assert rows[0]["raw"] == kept, what
            assert verdicts[key]["raw"] == (base64.b64encode(kept).decode() if kept is not None else None), what
            assert rows[0]["raw_size"] == verdicts[key]["raw_size"] == (len(value) if value is not None else None), what
        else:
            sent = json.loads(value or b"")
            assert rows[0]["event_type"] == verdicts[key]["event_type"] == sent["event_type"], what
            assert "raw" not in verdicts[key], what
    first = _row(stack, origins[0])[0]
    assert (first["account_id"], str(first["event_timestamp"])) == (684, "2021-04-29 19:28:30")
    assert verdicts[keys[0]]["event_timestamp"] == "2021-04-29T19:28:30Z"


def _row(stack: Stack, origin: tuple[int, int]) -> list[dict[str, Any]]:
    """The rows of one origin in all three tables, as dictionaries."""
    found = []
    columns = ["status", "reasons", "event_type", "account_id", "event_timestamp"]
    for status, table in TABLES.items():
        names = [*columns, "raw", "raw_size"] if status == "bad" else columns
        where = "WHERE kafka_partition = %s AND kafka_offset = %s"
        for row in stack.root_sql(f"SELECT {', '.join(names)} FROM logs.{table} {where}", origin):
            found.append(dict(zip(names, row, strict=True)))
    return found
