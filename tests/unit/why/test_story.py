"""The story that the facts of a log make: what waits, what is missing, who is away."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from include.contract import reading, reasons
from include.contract.model import Contract
from include.proof.verdict_search import Found, Verdict
from include.settings import ROOT
from include.source import shipped
from include.stack.commands.why import show
from include.users.shape import Shape
from include.why.facts import Facts, Message, Row
from include.why.story import LONGEST, Story, describe

GOOD = {"account_id": 684, "device": "IOS", "status": "good", "reasons": []}
GOOD |= {"event_timestamp": "2026-11-23T01:02:03Z", "users_version": 3}


def facts(**changes: object) -> Facts:
    """A good log that is everywhere, 0-7, its verdict at 9 of 20 status messages."""
    made = Facts(0, 7, logs=(0, 30), message=Message(b"684", b"{}", datetime(2026, 11, 23, tzinfo=UTC)))
    made.found = Found(0, 20, 8, 9, [Verdict(9, GOOD, False)])
    made.indexed = made.loaded = 20
    made.rows, made.expected, made.document = [Row("good_logs", GOOD)], ("IOS",), GOOD
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def story(**changes: object) -> Story:
    return describe(facts(**changes), "dead-letters.jsonl")


def test_each_reason_of_the_contract_has_a_meaning() -> None:
    words = {reasons.NOT_JSON, reasons.UNREADABLE, shipped.UNKNOWN_ACCOUNT, shipped.UNEXPECTED_DEVICE}
    words |= {word(field) for field in shipped.FIELDS for word in (reasons.missing, reasons.null, reasons.invalid)}
    words |= {word(field) for field in shipped.TEXT_FIELDS for word in (reasons.empty, reasons.too_long)}
    assert set(reasons.every(reading.current())) == words


def test_a_log_that_is_everywhere() -> None:
    told = story()
    assert (told.status, told.reasons, told.away) == ("good", {}, {})
    assert told.hops == {
        "server-logs": "partition 0, offset 7",
        "server-logs-status": "partition 0, offset 9: good",
        "MySQL": "logs.good_logs",
        "Elasticsearch": "server-logs/_doc/0-7: good",
        "dead letters": "not there",
    }


@pytest.mark.parametrize(
    ("hop", "changes", "said"),
    [
        ("server-logs", {"message": None, "logs": (8, 30)}, "Kafka has removed it: the partition now begins at 8"),
        ("server-logs-status", {"found": Found(0, 5, 5, 5)}, "not judged yet (classify is 25 behind)"),
        (
            "server-logs-status",
            {"found": Found(15, 20, 30, 15)},
            "Kafka has removed it: the partition now begins at 15",
        ),
        ("server-logs-status", {"found": Found(0, 20, 30, 9)}, "missing"),
        ("server-logs-status", {"found": Found(0, 20, 30, 9), "message": None}, "not there: it is no log"),
        ("server-logs-status", {"found": Found(0, 5, 5, 5), "message": None}, "not there: it is no log"),
        ("server-logs-status", {"found": None, "no_status_partition": True}, "./logsieve topics --partitions 1"),
        ("MySQL", {"rows": [], "loaded": 4}, "not loaded yet (load is 16 behind)"),
        ("MySQL", {"rows": []}, "missing, though load has passed it"),
        ("MySQL", {"rows": [], "expired": "2026-12-24 02:30:07"}, "expired: expire_logs has removed it, 2026-12-24"),
        ("MySQL", {"expired": "2026-12-24 02:30:07"}, "the next run of expire_logs removes it"),
        ("MySQL", {"rows": [Row("good_logs", GOOD), Row("bad_logs", GOOD)]}, "in 2 tables at once"),
        (
            "MySQL",
            {"rows": [Row("bad_logs", GOOD | {"status": "bad"})]},
            'unlike the verdict: status is "bad", not "good"',
        ),
        ("Elasticsearch", {"document": None, "indexed": 9}, "not indexed yet (the indexer is 11 behind)"),
        ("Elasticsearch", {"document": None}, "missing, though the indexer has passed it"),
        ("Elasticsearch", {"document": None, "expired": "2026-12-24 02:30:07"}, "expired: expire_logs has removed it"),
        ("Elasticsearch", {"expired": "2026-12-24 02:30:07"}, "the next run of expire_logs removes it"),
        ("dead letters", {"document": None, "refused": ["too strange"]}, "refused, too strange; it is in dead-letters"),
    ],
)
def test_where_it_waits_or_is_missing(hop: str, changes: dict[str, object], said: str) -> None:
    assert said in story(**changes).hops[hop]


def test_a_server_that_is_away_is_named_and_the_rest_is_told() -> None:
    told = story(away={"Kafka": "no broker"}, logs=None, message=None, found=None)
    assert told.status == "good", "the row tells it"
    assert told.hops["server-logs"] == told.hops["server-logs-status"] == "Kafka is unreachable"
    assert story(away={"MySQL": "refused"}, rows=None).hops["MySQL"] == "MySQL is unreachable"
    assert (
        story(away={"Elasticsearch": "refused"}, document=None).hops["Elasticsearch"] == "Elasticsearch is unreachable"
    )


def test_what_the_users_history_says_of_the_day() -> None:
    told = "account 684 has the device IOS on 2026-11-23, the log has IOS; judged by version 3"
    assert story().users == told
    assert "by the current version it would be suspicious: ./logsieve rejudge" in story(expected=("ANDROID",)).users
    assert "account 684 is unknown on 2026-11-23" in story(expected=None).users


def test_several_attributes_are_told_each_and_what_a_log_does_not_have_is_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "current", lambda: reading.load(ROOT / "tests" / "contracts" / "contract.toml"))
    record = {"user_id": 7, "device": "IOS", "country": "GB", "status": "good", "users_version": 3}
    record |= {"started_at": "2026-11-23T01:02:03.456Z"}

    def told(*expected: str, **changes: object) -> str:
        found = Found(0, 20, 8, 9, [Verdict(9, record | changes, False)])
        return story(found=found, expected=expected or None).users

    beginning = "user 7 has the device IOS and the country GB on 2026-11-23"
    assert told("IOS", "GB") == f"{beginning}, the log has IOS and GB; judged by version 3"
    assert "it would be suspicious: ./logsieve rejudge --account 7" in told("IOS", "FR")
    assert "would be" not in told("IOS", "FR", country=None)
    assert "the log has IOS and none;" in told("IOS", "GB", country=None)
    assert "user 7 is unknown on 2026-11-23" in told()
    assert told(user_id=None) == "not looked up: the log has no user_id; judged by version 3"


def test_key_and_attributes_have_the_names_that_the_contract_gives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    contract = reading.load(ROOT / "examples" / "nginx" / "contract.toml")
    monkeypatch.setattr(reading, "current", lambda: contract)
    record = {"remote_user": "ann", "country": "FR", "status": "suspicious", "users_version": 3}
    found = Found(0, 20, 8, 9, [Verdict(9, record | {"requested_at": "2026-11-23T01:02:03.456Z"}, False)])
    told = story(found=found, expected=("GB",)).users
    assert told == "user ann has the country GB on 2026-11-23, the log has FR; judged by version 3"
    assert reasons.every(contract)["unusual_country"] == "the user has another country in the users dimension"
    shape = Shape.of(contract)
    assert shape is not None
    assert (shape.subject, shape.words) == ("user", "country")


def test_without_a_dimension_there_is_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "current", lambda: Contract(reading.load(ROOT / "contract.toml").fields))
    assert story().users == "the contract has no dimension"


def test_a_stranger_s_text_does_nothing_to_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07[red]\u202e\x9b31m".encode() + b"\xff" + b"x" * LONGEST
    message = Message(hostile, hostile, datetime(2026, 11, 23, tzinfo=UTC))
    printed = StringIO()
    show(Console(file=printed, force_terminal=True), story(message=message, refused=[hostile.decode(errors="replace")]))
    assert "\\x1b]0;owned\\x07[red]\\u202e\\x9b31m\\xff" in printed.getvalue()
    assert "(cut)" in printed.getvalue()
    assert all(line.isprintable() for line in printed.getvalue().splitlines())


def test_the_bytes_of_a_bad_log_come_from_its_row_once_kafka_has_removed_it() -> None:
    record = GOOD | {"status": "bad", "raw": "/3g=", "raw_size": 2}
    told = story(message=None, logs=(8, 30), rows=[Row("bad_logs", record)])
    assert (told.log["text"], told.log["raw"], told.log["size"]) == ("\\xffx", "/3g=", 2)


def test_each_field_that_was_edited_is_told_with_both_values() -> None:
    row = GOOD | {"device": "HACK", "users_version": 4}
    document = {name: value for name, value in GOOD.items() if name != "account_id"} | {"reasons": ["x"]}
    told = story(rows=[Row("good_logs", row)], document=document)
    assert told.hops["MySQL"].endswith('unlike the verdict: device is "HACK", not "IOS"; users_version is 4, not 3')
    assert told.hops["Elasticsearch"].endswith(': account_id is nothing, not 684; reasons is ["x"], not []')
    assert told.differences == [
        {"hop": "MySQL", "field": "device", "verdict": "IOS", "found": "HACK"},
        {"hop": "MySQL", "field": "users_version", "verdict": 3, "found": 4},
        {"hop": "Elasticsearch", "field": "account_id", "verdict": 684},
        {"hop": "Elasticsearch", "field": "reasons", "verdict": [], "found": ["x"]},
    ]


def test_a_message_that_is_no_verdict_hides_none() -> None:
    found = Found(0, 20, 8, 9, [Verdict(9, GOOD, False), Verdict(11, {}, False)])
    told = story(found=found, rows=[Row("good_logs", GOOD | {"device": "HACK"})], document=GOOD)
    assert told.status == "good"
    assert [(each["hop"], each["found"]) for each in told.differences] == [("MySQL", "HACK")]


def test_copies_under_other_ids_are_told() -> None:
    assert story(strays=["a\x1bb"]).hops["Elasticsearch"].endswith(r"reconcile --repair removes: a\x1bb")
