"""Every type, limit and rule by example, and by random logs against a second implementation."""

import json
import os
import random
from copy import deepcopy
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from include.contract import reading, reasons
from include.proof import contents
from tests.contracts.conftest import RECEIVED, USERS, Judge, good
from tests.contracts.oracle import FIELDS, verdict

GONE = object()


class Raw(str):
    """JSON as it is to be written."""


def log_of(*changes: tuple[str, Any]) -> bytes:
    """A good log with other values at these paths, whose members are separated by slashes."""
    document = good()
    raw = {}
    for number, (path, value) in enumerate(changes):
        *outer, last = path.split("/")
        inner = document
        for name in outer:
            inner = inner[name]
        if value is GONE:
            del inner[last]
        elif isinstance(value, Raw):
            raw[f'"raw {number}"'] = inner[last] = f"raw {number}"
            raw[f'"raw {number}"'] = value
        else:
            inner[last] = deepcopy(value)
    text = json.dumps(document, ensure_ascii=False)
    for mark, value in raw.items():
        text = text.replace(mark, value)
    return text.encode("utf-8", "surrogatepass")


CASES: list[tuple[list[tuple[str, Any]], list[str], dict[str, Any]]] = [
    ([], [], {"user_id": 684, "started_at": "2026-11-23T01:02:03.456Z", "order": "2021-04-29T19:28:30Z"}),
    ([("request/id", "0")], ["too_short_request_id"], {"request_id": None}),
    ([("request/id", "")], ["empty_request_id"], {}),
    ([("request/id", "a" * 37)], ["too_long_request_id"], {}),
    ([("request/id", "14AB3ff2")], ["no_match_request_id"], {}),
    ([("request/id", "14ab3ff2\n")], ["no_match_request_id"], {}),
    ([("request/id", Raw("12345678"))], ["invalid_request_id"], {}),
    ([("request/user/id", "+0684")], [], {"user_id": 684}),
    ([("request/user/id", Raw("684.0"))], ["invalid_user_id"], {}),
    ([("request/user/id", -(2**63)), ("client/device", "IOS"), ("request/user/country", "ÄÖ")], [], {}),
    ([("request/user/id", -(2**63) - 1)], ["invalid_user_id"], {}),
    ([("request/user/id", 2**63 - 1)], ["unknown_user_id"], {"user_id": 2**63 - 1}),
    ([("request/user/id", 2**63)], ["invalid_user_id"], {}),
    ([("request/user/name", GONE)], [], {"user_name": None}),
    ([("request/user/name", None)], [], {"user_name": None}),
    ([("request/user/name", "")], [], {"user_name": ""}),
    ([("request/user/name", 'a"b\\\u0000\n😀')], [], {"user_name": 'a"b\\\u0000\n😀'}),
    ([("request/user/country", "gb")], ["no_match_country"], {}),
    ([("request/user/country", "FR")], ["unusual_country"], {"country": "FR"}),
    ([("request/user/country", "FR"), ("client/device", "IOS")], ["unexpected_device", "unusual_country"], {}),
    ([("client/device", "ANDROID\u0001GB")], ["unexpected_device"], {}),
    ([("client/device", True)], ["unexpected_device"], {"device": "true"}),
    ([("client/device", Raw("1e3"))], ["unexpected_device"], {"device": "1e3"}),
    ([("client/remote.address", "2001:DB8:0:0:1:0:0:1")], [], {"address": "2001:db8::1:0:0:1"}),
    ([("client/remote.address", "::ffff:192.0.2.7")], [], {"address": "::ffff:192.0.2.7"}),
    ([("client/remote.address", "::")], [], {"address": "::"}),
    ([("client/remote.address", "1.2.3.04")], ["invalid_address"], {}),
    ([("client/remote.address", "fe80::1%eth0")], ["invalid_address"], {}),
    ([("client/proxy", "10.0.0.1")], [], {"proxy": "10.0.0.1"}),
    ([("client/proxy", GONE)], ["missing_proxy"], {}),
    ([("method", "PATCH")], ["not_allowed_method"], {}),
    ([("response/status", 204)], ["not_allowed_status_code"], {}),
    ([("response/status", 600)], ["invalid_status_code"], {}),
    ([("response/status", "200")], ["invalid_status_code"], {}),
    ([("response/bytes", None)], ["null_bytes_sent"], {}),
    ([("response/bytes", GONE)], [], {"bytes_sent": None}),
    ([("response/bytes", GONE), ("method", "POST")], ["posted_without_bytes"], {"method": "POST"}),
    ([("response/bytes", -1), ("method", "POST")], ["invalid_bytes_sent"], {}),
    ([("response/seconds", Raw("-0.0"))], [], {"duration": 0}),
    ([("response/seconds", Raw("1000000.6"))], ["invalid_duration"], {}),
    ([("response/seconds", True)], ["invalid_duration"], {}),
    ([("ratio", Raw("1e400"))], ["invalid_ratio"], {}),
    ([("ratio", "-1.50E-7")], [], {"ratio": -1.5e-7}),
    ([("ratio", "0x10")], ["invalid_ratio"], {}),
    ([("ratio", "NaN")], ["invalid_ratio"], {}),
    ([("ratio", None)], [], {"ratio": None}),
    ([("cached", "true")], [], {"cached": True}),
    ([("cached", "True")], ["invalid_cached"], {}),
    ([("times/start", "2026-11-23t03:02:03.4567899+02:00")], [], {"started_at": "2026-11-23T01:02:03.456Z"}),
    ([("times/start", "2026-11-23T01:02:03")], ["invalid_started_at"], {}),
    ([("times/start", "2026-02-29T01:02:03Z")], ["invalid_started_at"], {}),
    ([("times/start", "2026-11-23T01:02:60Z")], ["invalid_started_at"], {}),
    ([("times/start", "2026-11-23 01:02:03Z")], ["invalid_started_at"], {}),
    ([("times/start", "1970-01-01T00:59:59+01:00")], ["invalid_started_at"], {}),
    ([("times/start", "2026-11-23T01:03:03.456Z"), ("times/end", GONE)], [], {}),
    ([("times/start", "2026-11-23T01:03:03.457Z"), ("times/end", GONE)], ["started_in_future"], {}),
    ([("times/end", 1795395723455)], ["ended_before_it_started"], {}),
    ([("times/end", None)], [], {"ended_at": None}),
    ([("times/order", 999999999)], ["invalid_order"], {}),
    (
        [("times", None)],
        ["null_started_at", "null_order"],
        {"ended_at": None, "started_at": None},
    ),
    ([("times", "now")], ["invalid_started_at", "invalid_ended_at", "invalid_order"], {}),
    ([("client", {})], ["missing_device", "missing_address", "missing_proxy"], {}),
    ([("request/user", {"id": 684, "country": "GB"})], [], {"user_name": None}),
    (
        [("request", Raw('{"id":"141b3ff2-a921","user":{"id":1}, "user":{"id":684,"country":"GB"}}'))],
        [],
        {"user_id": 684},
    ),
    ([("ratio", Raw('0.5,"request":{}'))], ["missing_request_id", "missing_user_id", "missing_country"], {}),
]
"""Changes of a good log, the reasons that it gets, and some of its fields."""


def test_each_case_gets_its_verdict(judge: Judge) -> None:
    found = [json.loads(message) for message in judge([log_of(*changes) for changes, _, _ in CASES])]
    for (changes, expected, fields), message in zip(CASES, found, strict=True):
        assert message["reasons"] == expected, changes
        assert {name: message[name] for name in fields} == fields, changes
        assert list(message)[: len(FIELDS)] == list(FIELDS)


def test_the_cases_have_every_kind_of_reason() -> None:
    contract = reading.current()
    seen = {reason for _, expected, _ in CASES for reason in expected}
    known = {*reasons.every(contract)}
    assert seen <= known
    rules = {rule.name for rule in contract.rules}
    assert seen >= rules | {*reasons.of_suspicious_logs(contract)}
    kinds = ("missing", "null", "invalid", "empty", "too_short", "too_long", "not_allowed", "no_match")
    assert all(any(reason.startswith(f"{kind}_") for reason in seen - rules) for kind in kinds)


def test_a_verdict_is_plain_to_the_proof(judge: Judge) -> None:
    """Its checksum is that of its bytes, also as a document whose numbers were read and written again."""
    ties = [1149476759011894.75, 2.0**1023, 9007199254740993.0, 5e-324, 1e23, 0.001, 999999999999999.9, 1e15]
    numbers = ties + [random.Random(n).uniform(-1, 1) * 10 ** random.Random(n).uniform(-320, 308) for n in range(2000)]
    logs = [log_of(*changes) for changes, _, _ in CASES] + [log_of(("ratio", number)) for number in numbers]
    for offset, message in enumerate(judge(logs)):
        key = f"1-{offset}".encode()
        assert contents.read_verdict(key, message) == (json.loads(message)["status"], 1, offset, crc32(message))
        assert contents.document_text(json.loads(message)) == message


KINDS = st.one_of(
    st.sampled_from(
        [None, True, False, 0, -1, 684, 7, 2**31, 2**63 - 1, -(2**63), 1e400, 0.1, 1.5e-9, "", "684", "GB"]
    ),
    st.sampled_from(
        ["true", "ANDROID", "2001:db8::1", "10.0.0.1", "::1.2.3.4", "GET", "POST", "ÄÖ", "FR", {}, [], [1]]
    ),
    st.sampled_from([100, 200, 201, 599, 1e3, 1795395723456, 1795395723455, 1619724510, "1e5", "-0", "é" * 31]),
    st.sampled_from(
        ["2026-11-23T01:02:03Z", "2026-11-23T01:02:03.9-00:30", "9999-12-31T23:59:59.999Z", "x\x01y", GONE]
    ),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False),
    st.text(max_size=40),
    st.ip_addresses().map(str),
    st.datetimes().map(lambda time: time.isoformat() + "Z"),
)
PATHS = ["/".join(path) for path, _, _ in FIELDS.values()]
SOME = st.lists(st.tuples(st.sampled_from([*PATHS, "request", "request/user", "times"]), KINDS), max_size=3)


def test_random_logs_get_the_verdicts_of_the_oracle(judge: Judge) -> None:
    logs: list[bytes] = []

    @settings(
        max_examples=int(os.environ.get("EXAMPLES", "1500")),
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(SOME)
    def collect(changes: list[tuple[str, Any]]) -> None:
        try:
            log = log_of(*changes)
        except (KeyError, TypeError):
            return
        if b"Infinity" not in log:
            logs.append(log.replace(b"Infinity", b"1e400"))

    collect()
    wrong = []
    for log, message in zip(logs, judge(logs), strict=True):
        record = json.loads(message)
        found = {name: record[name] for name in (*FIELDS, "status", "reasons")}
        expected = verdict(log, RECEIVED, USERS)
        if json.dumps(found) != json.dumps(expected) and found != expected:
            wrong.append((log, found, expected))
    assert len(logs) > 500
    assert not wrong, "log {!r}\nfound {}\nmodel {}".format(*min(wrong, key=lambda case: len(case[0])))


@pytest.mark.parametrize("value", [b"", None, b"[]", b"no JSON"])
def test_what_is_no_object_has_no_fields(judge: Judge, value: bytes | None) -> None:
    (message,) = (json.loads(each) for each in judge([value]))
    assert message["reasons"] == ["not_json"]
    assert [message[name] for name in FIELDS] == [None] * len(FIELDS)
