"""Parsing a log: what counts as one JSON object, however it is written, and what only looks like one."""

import json

from include import names
from include.contract import reasons
from include.source import shipped
from tests.spark.conftest import Judge

FIELDS = {
    "event_id": '"141b3ff2a92111ebbfae367ddad5b1fa"',
    "account_id": '"684"',
    "event_type": '"other"',
    "device": '"ANDROID"',
    "location_country": '"FR"',
    "event_timestamp": '"1619724510"',
}


def log(*more: str, **changes: str) -> bytes:
    members = [f'"{name}": {value}' for name, value in (FIELDS | changes).items()]
    return "{{{}}}".format(", ".join([*members, *more])).encode()


FINE = {
    "as it is": log(),
    "another order": b'{"event_timestamp":"1619724510","location_country":"FR","device":"ANDROID",'
    b'"event_type":"other","account_id":"684","event_id":"141b3ff2a92111ebbfae367ddad5b1fa"}',
    "white space": b"\n\t " + log().replace(b":", b" :\r\n").replace(b",", b" ,") + b" \n",
    "bare numbers": log(account_id="684", event_timestamp="1619724510"),
    "a negative account": log(account_id='"-1064203688"'),
    "leading zeros": log(account_id='"0684"'),
    "a zero below zero": log(account_id='"-0"'),
    "characters of four bytes": log(event_type='"' + "\U0001f600" * shipped.MAX_TEXT + '"'),
    "other members": log('"a": 1.5', '"b": null', '"c": "\u00e9 text"', '"devices": true', '"": -0'),
    "a name twice": log('"device": "IOS"', '"account_id": 12'),
    "many leading zeros": log(account_id='"0000000000684"'),
    "thousands of zeros": log(account_id=f'"{"0" * 5000}684"'),
    "an escape": log(event_type=r'"a\u0062"'),
    "an object beside": log('"a": {}'),
    "the character that bytes become that are no UTF-8": log(event_type='"\ufffd"'),
    "the largest account": log(account_id="2147483647"),
    "a plus": log(account_id='"+684"'),
}
NOT_JSON = {
    "fields as if they were read": b"\x01a\x01684\x01b\x01ANDROID\x01FR\x011619724510",
    "bytes that are no UTF-8": log(event_type='"?"').replace(b"?", b"\xff"),
    "bytes that are no UTF-8, then the name again": log('"device": "IOS"', device='"?"').replace(b"?", b"\xff"),
    "bytes that are no UTF-8 beside": log('"a": "?"').replace(b"?", b"\xc3"),
    "a control character": log(event_type='"a\nb"'),
    "a bare number with leading zeros": log(account_id="0684"),
    "text after": log() + b"x",
    "a comma after": log()[:-1] + b",}",
    **{f"a number that is none: {text}": log(f'"a": {text}') for text in ("01", "1.", "-", ".5", "1e", "1-2", "+1")},
    **{f"a number astray: {text}": log(text) for text in ("1: 2", '"a": 1 2', '"a": 1"b"', '"a": tru1e', '"a" 1')},
}


def test_no_way_of_writing_an_object_breaks_a_rule(judge: Judge) -> None:
    found = zip(FINE, judge([*FINE.values()]), strict=True)
    assert {name: message["reasons"] for name, message in found if message["status"] == names.BAD} == {}


def test_text_that_only_looks_like_json_is_not_json(judge: Judge) -> None:
    found = zip(NOT_JSON, judge([*NOT_JSON.values()]), strict=True)
    assert {name: message["reasons"] for name, message in found} == {name: [reasons.NOT_JSON] for name in NOT_JSON}


def test_the_last_value_of_a_repeated_name_counts(judge: Judge) -> None:
    (message,) = judge([FINE["a name twice"]])
    assert (message["device"], message["account_id"]) == ("IOS", 12)


def test_texts_arrive_unchanged(judge: Judge) -> None:
    sent = [chr(code) for code in (*range(0x80), 0x7FF, 0x800, 0x2028, 0xFFFD, 0xFFFF, 0x10000, 0x10FFFF)]
    raw = [log(event_type=json.dumps(text, ensure_ascii=False)) for text in sent]
    escaped = [log(event_type=f'"{"".join(map(escape, text))}"') for text in sent]
    assert [message["event_type"] for message in judge(raw)] == sent
    assert [message["event_type"] for message in judge(escaped)] == sent


def escape(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(rf"\u{units[at : at + 4]}" for at in range(0, len(units), 4))
