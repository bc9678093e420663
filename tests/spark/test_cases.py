"""Every rule by example: cases/<rule>.jsonl has logs and their expected verdicts. One Spark job judges all of them."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from include import names
from include.contract import reasons
from include.source.shipped import FIELDS, TEXT_FIELDS, UNEXPECTED_DEVICE, UNKNOWN_ACCOUNT
from tests.spark.conftest import USERS, Judge
from tests.spark.model import verdict

FILES = sorted((Path(__file__).parent / "cases").glob("*.jsonl"))
CASES: dict[str, dict[str, Any]] = {
    f"{file.stem}: {case['name']}": case for file in FILES for case in map(json.loads, file.read_text().splitlines())
}
FIRST = (
    b'{"event_id": "141b3ff2a92111ebbfae367ddad5b1fa", "account_id": "684", "event_type": "other", '
    b'"device": "ANDROID", "location_country": "FR", "event_timestamp": "1619724510"}'
)


def log_of(case: dict[str, Any]) -> bytes | None:
    if "log_base64" in case:
        return base64.b64decode(case["log_base64"])
    return None if case["log"] is None else case["log"].encode()


@pytest.fixture(scope="module")
def verdicts(judge: Judge) -> dict[str, dict[str, Any]]:
    return dict(zip(CASES, judge([log_of(case) for case in CASES.values()]), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, verdicts: dict[str, dict[str, Any]]) -> None:
    case, found = CASES[name], verdicts[name]
    assert (found["status"], found["reasons"]) == (case["status"], case["reasons"])
    assert {field: found[field] for field in FIELDS} == case.get("record", dict.fromkeys(FIELDS))


@pytest.mark.parametrize("name", CASES)
def test_model_agrees_with_case(name: str) -> None:
    case = CASES[name]
    expected = verdict(log_of(case), USERS)
    assert (expected["status"], expected["reasons"]) == (case["status"], case["reasons"])
    assert {field: expected[field] for field in FIELDS} == case.get("record", dict.fromkeys(FIELDS))


def test_every_rule_has_examples() -> None:
    seen = {reason for case in CASES.values() for reason in case["reasons"]}
    text = [rule(field) for rule in (reasons.empty, reasons.too_long) for field in TEXT_FIELDS]
    every = [rule(field) for rule in (reasons.missing, reasons.null, reasons.invalid) for field in FIELDS]
    assert seen == {*text, *every, reasons.NOT_JSON, UNKNOWN_ACCOUNT, UNEXPECTED_DEVICE}


def test_first_log(judge: Judge) -> None:
    record = json.loads(FIRST)
    nulled = [json.dumps(record | {field: None}).encode() for field in FIELDS]
    first, other_device, *bad = judge([FIRST, FIRST.replace(b"ANDROID", b"IOS"), *nulled])
    assert first["status"] == names.GOOD
    assert first["account_id"] == 684
    assert first["event_timestamp"] == "2021-04-29T19:28:30Z"
    assert (other_device["status"], other_device["reasons"]) == (names.SUSPICIOUS, [UNEXPECTED_DEVICE])
    assert [message["status"] for message in bad] == [names.BAD] * 6
    assert [message["reasons"] for message in bad] == [[reasons.null(field)] for field in FIELDS]
