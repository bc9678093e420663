"""Manually edited rows and documents: the proof finds and names each of them, and --repair repairs it."""

import json
from contextlib import closing
from typing import Any
from zlib import crc32

import pytest

from include.names import TABLES, origin_of
from include.proof import rows as evidence_rows
from include.proof.contents import read_verdict
from include.proof.documents import documents_of_no_log
from include.source.shipped import MAX_TIMESTAMP, TEXT_FIELDS
from tests.integration.stack import Stack, until

FIELDS = "event_id, account_id, event_type, device, location_country, event_timestamp"
ORIGIN = "received_at, kafka_partition, kafka_offset, users_version, revision"


def proofs(stack: Stack, *options: str) -> list[dict[str, Any]]:
    done = stack.run("reconcile", "--json", *options)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert done.returncode == (1 if any(proof["differences"] or proof["strays"] for proof in found) else 0), done.stderr
    return found


def differences(stack: Stack, *options: str) -> dict[str, list[list[int]]]:
    """The runs (partition, first, last) that differ, by kind."""
    return by_kind(proofs(stack, *options))


def by_kind(everything: list[dict[str, Any]]) -> dict[str, list[list[int]]]:
    found: dict[str, list[list[int]]] = {}
    for proof in everything:
        for kind, runs in proof["differences"].items():
            found.setdefault(kind, []).extend([proof["partition"], *run] for run in runs)
    return found


def loaded_rows(stack: Stack, table: str, count: int, where: str = "TRUE") -> list[int]:
    """Offsets of new rows of partition 0, whose verdicts are in the status topic, and whose documents are indexed."""
    since = stack.now()["server-logs"][0]
    query = f"SELECT kafka_offset FROM logs.{table} WHERE kafka_partition = 0 AND kafka_offset >= %s AND {where}"
    found = until(lambda: len(rows := stack.root_sql(query, (since,))) >= count and rows, 60, "new rows are loaded")
    origins = [(0, offset) for (offset,) in found[:count]]
    until(lambda: len(stack.documents(origins)) == count, 60, "they are indexed")
    return [offset for _, offset in origins]


def test_every_hop_is_complete_and_an_hourly_proof_reads_only_new_verdicts(stack: Stack) -> None:
    everything = proofs(stack)
    assert [proof["differences"] for proof in everything] == [{}] * len(everything)
    for proof in everything:
        assert proof["logs"] == proof["keys"] == proof["rows"] == proof["documents"]
    until(lambda: sum(stack.counts().values()) > sum(proof["rows"] for proof in everything), 30, "more logs are loaded")
    again = proofs(stack, "--new")
    # Airflow's hourly run may have closed more meanwhile.
    closed = [proof["end"] for proof in everything]
    assert all(proof["first"] >= end for proof, end in zip(again, closed, strict=True))


ROW = "kafka_partition = 0 AND kafka_offset = %s"
ROW_EDITS = {
    "device": "device = 'HACK'",
    "event_id": "event_id = 'x'",
    "event_type": "event_type = CONCAT(event_type, ' ')",
    "location_country": "location_country = LOWER(location_country)",
    "account_id": "account_id = account_id + 1",
    "event_timestamp": "event_timestamp = event_timestamp + INTERVAL 1 SECOND",
    "received_at": "received_at = received_at + INTERVAL 1000 MICROSECOND",
    "users_version": "users_version = users_version + 1",
    "revision": "revision = 2147483647",
    "reasons": """reasons = '["unknown_account"]'""",
}
BAD_ROW_EDITS = {
    "raw": "raw = CONCAT(raw, ' ')",
    "raw_size": "raw_size = NULL",
    "event_id": "event_id = IF(event_id IS NULL, '', NULL)",
}
DOCUMENT_EDITS: dict[str, Any] = {"device": "HACK", "reasons": ["x"], "account_id": "684", "event_timestamp": None}


def origins(by_kind: dict[str, list[list[int]]]) -> dict[str, set[tuple[int, int]]]:
    """The origins of each kind; adjacent ones are reported as one run."""
    return {
        kind: {(partition, offset) for partition, first, last in runs for offset in range(first, last + 1)}
        for kind, runs in by_kind.items()
    }


def test_each_kind_of_manual_edit_is_named_and_repaired(stack: Stack) -> None:
    good, bad = loaded_rows(stack, "good_logs", 30), loaded_rows(stack, "bad_logs", 3, "raw IS NOT NULL")
    expected: dict[str, list[list[int]]] = {}

    def expect(kind: str, *offsets: int, partition: int = 0) -> None:
        expected.setdefault(kind, []).extend([partition, offset, offset] for offset in offsets)

    for table, edits, offsets in (
        ("good_logs", ROW_EDITS, good),
        ("bad_logs", BAD_ROW_EDITS, bad),
    ):
        for field, edit in edits.items():
            expect(f"another {field} in MySQL", edited := offsets.pop(0))
            stack.root_sql(f"UPDATE logs.{table} SET {edit} WHERE {ROW}", (edited,))
    deleted, doubled, moved, reorigined = (good.pop(0) for _ in range(4))
    stack.root_sql(f"DELETE FROM logs.good_logs WHERE {ROW}", (deleted,))
    for offset in (doubled, moved):
        stack.root_sql(
            f"INSERT INTO logs.suspicious_logs ({FIELDS}, status, reasons, {ORIGIN})"
            f" SELECT {FIELDS}, 'suspicious', '[]', {ORIGIN} FROM logs.good_logs WHERE {ROW}",
            (offset,),
        )
    stack.root_sql(f"DELETE FROM logs.good_logs WHERE {ROW}", (moved,))
    stack.root_sql(f"UPDATE logs.good_logs SET kafka_offset = -5 WHERE {ROW}", (reorigined,))
    expect("no row in MySQL", deleted, reorigined)
    expect("in two tables", doubled)
    expect("another status in MySQL", moved)
    expect("row of no log", -5)
    # After all logs: otherwise the next ones would collide with the first of these.
    for partition, offset in ((1, 900_000_000), (7, 1)):
        stack.root_sql(
            f"INSERT INTO logs.bad_logs (status, reasons, {ORIGIN}) VALUES ('bad', '[]', '2026-01-01', %s, %s, 1, 0)",
            (partition, offset),
        )
        expect("row of no log", offset, partition=partition)

    def source(offset: int) -> dict[str, Any]:
        return stack.document(f"0-{offset}")

    def path(offset: int) -> str:
        return stack.place(f"0-{offset}")

    day, _, _ = path(copied := good.pop(0)).partition("/")

    for field, value in DOCUMENT_EDITS.items():
        expect(f"another {field} in the index", edited := good.pop(0))
        stack.search(path(edited).replace("_doc", "_update"), {"doc": {field: value}})
    replaced, cut, unindexed, lied, twice, twice_odd = (good.pop(0) for _ in range(6))
    stack.search(path(replaced), source(replaced) | {"status": "bad"})
    stack.search(path(cut), {name: each for name, each in source(cut).items() if name != "device"})
    expect("another status in the index", replaced)
    expect("another device in the index", cut)
    stack.search(path(unindexed), method="DELETE")
    stack.search(path(lied).replace("_doc", "_update"), {"doc": {"origin": {"kafka_offset": copied}}})
    expect("no document", unindexed, lied)
    strays = {("copy", "document whose id is not its origin"), (f"0-{lied}", "document whose id is not its origin")}
    stack.search(f"{day}/_doc/copy", source(copied))
    other_day = "server-logs-2026.01.01"
    stack.search(other_day, {"aliases": {"server-logs": {}}, "mappings": stack.search(day)[day]["mappings"]}, "PUT")
    for offset, index in ((twice, other_day), (twice_odd, "server-logs-odd")):
        stack.search(f"{index}/_doc/0-{offset}", source(offset))
        strays.add((f"0-{offset}", "second document of a log"))
    for name, origin in (("elsewhere", (7, 1)), ("behind", (0, 900_000_000)), ("before", (1, -3))):
        place = dict(zip(("kafka_partition", "kafka_offset"), origin, strict=True))
        stack.search(f"{day}/_doc/{name}", source(copied) | {"origin": place})
        strays.add((name, "document of no log"))
    stack.search(f"{day}/_doc/lost", {"status": "good", "device": "HACK"})
    stack.search(f"{day}/_doc/half", {"origin": {"kafka_partition": 0}})
    strays |= {(name, "document without an origin") for name in ("lost", "half")}
    stack.search("server-logs/_refresh", method="POST")

    hacked = next(offset for _, offset, _ in expected["another device in MySQL"])
    story = json.loads(stack.run("why", f"0-{hacked}", "--json").stdout)
    ((field, found),) = [(each["field"], each["found"]) for each in story["differences"]]
    assert (field, found) == ("device", "HACK")
    assert story["differences"][0]["verdict"] == source(hacked)["device"]
    assert "copy" in stack.run("why", f"0-{copied}").stdout
    assert f"0-{twice} in {other_day}" in stack.run("why", f"0-{twice}").stdout

    everything = proofs(stack)
    assert origins(by_kind(everything)) == origins(expected)
    assert {(each["id"], each["kind"]) for proof in everything for each in proof["strays"]} == strays
    assert differences(stack, "--partition", "0", "--from", str(deleted), "--to", str(deleted + 1)) == {
        "no row in MySQL": [[0, deleted, deleted]]
    }

    repaired = stack.run("reconcile", "--repair", seconds=180)
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert f"1 in two tables (0-{doubled})" in repaired.stderr
    assert "document without an origin (" in repaired.stderr
    assert all(not proof["differences"] and not proof["strays"] for proof in proofs(stack))
    rows = stack.root_sql(
        " UNION ALL ".join(
            f"SELECT kafka_offset, status FROM logs.{table} WHERE kafka_partition = 0 AND kafka_offset"
            f" IN ({deleted}, {doubled}, {moved}, {reorigined})"
            for table in TABLES.values()
        )
    )
    assert sorted(rows) == sorted((offset, "good") for offset in (deleted, doubled, moved, reorigined))
    assert source(lied)["origin"]["kafka_offset"] == lied
    assert not path(twice).startswith(other_day)
    assert not path(twice_odd).startswith("server-logs-odd"), "the document of its day is the one that is kept"
    stack.search(other_day, method="DELETE")


HOSTILE = [
    "'",
    '"',
    ",",
    "\\",
    '\\"',
    '", "',
    "é😀",
    " a ",
    "a ",
    "\x00",
    "\x01\n\t\x1f",
    "\x7f\u2028",
    "null",
    "x" * 64,
]


def test_mysql_renders_a_row_as_the_text_of_its_verdict_whatever_it_contains(stack: Stack) -> None:
    fields = dict.fromkeys(TEXT_FIELDS, "x") | {"account_id": "684", "event_timestamp": "0"}
    logs: list[dict[str, Any]] = [fields | dict.fromkeys(TEXT_FIELDS, text) for text in HOSTILE]
    logs += [fields | {"account_id": str(number)} for number in (-(2**31), 2**31 - 1, 0)]
    logs += [fields | {"event_timestamp": str(MAX_TIMESTAMP)}, fields | {"device": None, "event_id": ""}]
    since = stack.now()
    values = [json.dumps(log).encode() for log in logs] + [None, b"", b"\x00\xff'\"\\", b"x" * 70_000, b"\xfe" * 57]
    sent = set(stack.send(values))
    until(lambda: sent <= stack.loaded(since), 30, "all logs are loaded")
    verdicts = {
        origin: (message.key, message.value)
        for message in stack.messages("server-logs-status", since["server-logs-status"])
        if (origin := origin_of(message.key)) in sent
    }
    with closing(stack.env.outside.mysql()) as connection:
        cursor = connection.cursor()
        texts = {
            (partition, offset): text
            for partition, number in sent
            for offset, text in evidence_rows.rows(cursor, partition, number, number + 1)
        }
    assert texts.keys() == verdicts.keys() == sent
    checksums = {origin: (read_verdict(*verdict) or ())[3:] for origin, verdict in verdicts.items()}
    assert checksums == {origin: (crc32(text),) for origin, text in texts.items()}
    assert not any(proof["differences"] for proof in proofs(stack, "--new"))


def test_the_dag_is_red_and_names_the_first_origins(stack: Stack) -> None:
    (edited,) = loaded_rows(stack, "good_logs", 1)
    kept = stack.root_sql(f"SELECT device FROM logs.good_logs WHERE {ROW}", (edited,))[0][0]
    stack.root_sql(f"UPDATE logs.good_logs SET device = 'HACK' WHERE {ROW}", (edited,))
    try:
        done = stack.run("airflow", "dags", "test", "reconcile_logs", seconds=180)
        printed = done.stdout + done.stderr
        assert f"1 another device in MySQL (0-{edited})" in printed, printed[-4000:]
        assert "./logsieve reconcile --repair" in printed
        assert done.returncode != 0
    finally:
        stack.root_sql(f"UPDATE logs.good_logs SET device = %s WHERE {ROW}", (kept, edited))


def test_a_document_of_a_log_that_arrives_during_the_search_is_not_a_stray(stack: Stack) -> None:
    before: dict[int, int] = {}
    answers = iter([lambda: before, lambda: stack.ends("server-logs")])
    with stack.env.outside.search() as client:
        assert documents_of_no_log(client, lambda: before)
        assert documents_of_no_log(client, lambda: next(answers)()) == []


@pytest.mark.parametrize("options", [("--from", "3"), ("--partition", "-1")])
def test_a_wrong_range_is_refused(stack: Stack, options: tuple[str, ...]) -> None:
    assert stack.run("reconcile", *options).returncode != 0
