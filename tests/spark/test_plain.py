"""The short way of plain logs: the usual ones take it, and nothing that takes it differs from the careful way."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from include import names
from include.accounts import Accounts
from include.log_maker import LogMaker
from jobs import classify, plain
from tests.spark.conftest import Judge, Judged

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


PLAIN = {
    "as it is": log(),
    "another order": b'{"event_timestamp":"1619724510","location_country":"FR","device":"ANDROID",'
    b'"event_type":"other","account_id":"684","event_id":"141b3ff2a92111ebbfae367ddad5b1fa"}',
    "white space": b"\n\t " + log().replace(b":", b" :\r\n").replace(b",", b" ,") + b" \n",
    "bare numbers": log(account_id="684", event_timestamp="1619724510"),
    "a negative account": log(account_id='"-1064203688"'),
    "leading zeros": log(account_id='"0684"'),
    "a zero below zero": log(account_id='"-0"'),
    "characters of four bytes": log(event_type='"' + "\U0001f600" * names.MAX_TEXT + '"'),
    "other members": log('"a": 1.5', '"b": null', '"c": "\u00e9 text"', '"devices": true', '"": -0'),
    "a name twice": log('"device": "IOS"', '"account_id": 12'),
}
CAREFUL = {
    "many leading zeros": log(account_id='"0000000000684"'),
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
    "text behind": log() + b"x",
    "a comma behind": log()[:-1] + b",}",
    **{f"a number that is none: {text}": log(f'"a": {text}') for text in ("01", "1.", "-", ".5", "1e", "1-2", "+1")},
    **{f"a number astray: {text}": log(text) for text in ("1: 2", '"a": 1 2', '"a": 1"b"', '"a": tru1e', '"a" 1')},
}


ODD_VALUES = (
    "null",
    "true",
    "false",
    '""',
    '"null"',
    '"true"',
    "0",
    "-1",
    "684.5",
    '"-"',
    '" 1"',
    '"12x"',
    "9" * 18,
)
FLAT = {
    **{f"{field} is {value}": log(**{field: value}) for field in names.FIELDS for value in ODD_VALUES},
    **{f"no {field}": log().replace(field.encode(), b"other") for field in names.FIELDS},
    "a text too long": log(device=f'"{"x" * (names.MAX_TEXT + 1)}"'),
    "a name twice, then null": log('"device": null'),
    "a name twice, then a text": log('"device": "IOS"', device="null"),
    "nothing": b"{}",
}
"""Of scalars without an escape, but not plain."""


def test_plain_logs_take_the_short_way_and_others_do_not(judged: Judged) -> None:
    logs = PLAIN | CAREFUL | NOT_JSON
    found = judged([*logs.values()]).orderBy("kafka_offset").collect()
    assert {name for name, row in zip(logs, found, strict=True) if row.is_plain} == PLAIN.keys()


def test_all_good_logs_of_the_generator_take_it(judged: Judged) -> None:
    maker = LogMaker(Accounts(7, 1000), 7, share_bad=0, share_suspicious=0.1, clock=lambda: 1_768_464_000)
    frame = judged([maker.make().value for _ in range(500)])
    near_the_end = F.abs("account_id") > 2_139_999_999
    assert frame.filter(~F.col("is_plain") & ~near_the_end).count() == 0


def test_neither_way_finds_a_rule_broken_that_is_not(judge: Judge) -> None:
    logs = PLAIN | CAREFUL
    found = zip(logs, judge([*logs.values()]), strict=True)
    assert {name: message["reasons"] for name, message in found if message["status"] == names.BAD} == {}


def test_what_only_looks_plain_is_not_json(judge: Judge) -> None:
    found = zip(NOT_JSON, judge([*NOT_JSON.values()]), strict=True)
    assert {name: message["reasons"] for name, message in found} == {name: [names.NOT_JSON] for name in NOT_JSON}


def test_of_a_name_that_comes_twice_the_last_value_counts(judge: Judge) -> None:
    (message,) = judge([PLAIN["a name twice"]])
    assert (message["device"], message["account_id"]) == ("IOS", 12)


def test_both_ways_write_the_same_text(judged: Judged) -> None:
    frame = judged([*PLAIN.values(), log(device='"IOS"'), log(account_id="12")])
    short = {row.key: row.value for row in classify.messages(frame).collect()}
    careful = classify.messages(frame.withColumn("is_plain", F.lit(False))).collect()
    assert {row.key: row.value for row in careful} == short


def test_flat_logs_are_not_parsed(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(name, text.decode()) for name, text in FLAT.items()], "name string, text string")
    left = frame.filter(F.regexp_replace("text", plain.FLAT, plain.TOKENS) == F.col("text")).collect()
    assert [row.name for row in left] == ["nothing"]  # one without a member


def test_a_flat_log_is_judged_as_one_that_has_to_be_parsed(judge: Judge) -> None:
    nested = [text.rstrip(b"}") + (b"" if name == "nothing" else b",") + b'"a":{}}' for name, text in FLAT.items()]
    ways = zip(judge([*FLAT.values()]), judge(nested), strict=True)
    of_both = {
        name: [(m["reasons"], *(m[field] for field in names.FIELDS)) for m in way]
        for name, way in zip(FLAT, ways, strict=True)
    }
    assert {name: flat for name, (flat, parsed) in of_both.items() if flat != parsed} == {}
    assert sum(1 for flat, _ in of_both.values() if flat[0]) > len(FLAT) / 2
