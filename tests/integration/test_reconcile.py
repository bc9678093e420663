"""Rows and documents edited by hand: the proof finds each, names it, and --repair mends it."""

import json
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from include.evidence import documents_of_no_log
from include.names import TABLES
from tests.integration.stack import Stack, until

FIELDS = "event_id, account_id, event_type, device, location_country, event_timestamp"
ORIGIN = "received_at, kafka_partition, kafka_offset, users_version, revision"


def proofs(stack: Stack, *options: str) -> list[dict[str, Any]]:
    done = stack.run("reconcile", "--json", *options)
    found = json.loads(done.stdout)
    assert done.returncode == (1 if any(proof["differences"] for proof in found) else 0), done.stderr
    return found


def differences(stack: Stack, *options: str) -> dict[str, list[list[int]]]:
    """By kind, the runs (partition, first, last) that differ."""
    found: dict[str, list[list[int]]] = {}
    for proof in proofs(stack, *options):
        for kind, runs in proof["differences"].items():
            found.setdefault(kind, []).extend([proof["partition"], *run] for run in runs)
    return found


def good_rows(stack: Stack, count: int) -> list[tuple[int, int]]:
    """Origins of old rows of partition 0, which no batch writes any more."""
    query = "SELECT kafka_partition, kafka_offset FROM logs.good_logs WHERE kafka_partition = 0 ORDER BY 2 LIMIT %s"
    return stack.root_sql(query, (count,))  # type: ignore[return-value]


def test_every_hop_is_whole_and_an_hourly_proof_reads_only_what_is_new(stack: Stack) -> None:
    everything = proofs(stack)
    assert [proof["differences"] for proof in everything] == [{}] * len(everything)
    for proof in everything:
        assert proof["first"] == 0
        assert proof["logs"] == proof["keys"] == proof["rows"] == proof["documents"]
    until(lambda: sum(stack.counts().values()) > sum(proof["rows"] for proof in everything), 30, "more logs are loaded")
    again = proofs(stack, "--new")
    assert [proof["first"] for proof in again] == [proof["end"] for proof in everything]
    assert sum(proof["logs"] for proof in again) > 0


def test_what_was_edited_by_hand_is_found_and_mended(stack: Stack) -> None:
    (_, deleted), (_, doubled), (_, moved), (_, unindexed), (_, reindexed), *_ = good_rows(stack, 5)
    stack.root_sql("DELETE FROM logs.good_logs WHERE kafka_partition = 0 AND kafka_offset = %s", (deleted,))
    for offset in (doubled, moved):
        stack.root_sql(
            f"INSERT INTO logs.suspicious_logs ({FIELDS}, status, reasons, {ORIGIN})"
            f" SELECT {FIELDS}, 'suspicious', '[]', {ORIGIN} FROM logs.good_logs"
            " WHERE kafka_partition = 0 AND kafka_offset = %s",
            (offset,),
        )
    stack.root_sql("DELETE FROM logs.good_logs WHERE kafka_partition = 0 AND kafka_offset = %s", (moved,))
    # A row that no log has, behind everything: the next logs would collide with it.
    stack.root_sql(
        f"INSERT INTO logs.bad_logs (status, reasons, {ORIGIN}) VALUES ('bad', '[]', '2026-01-01', 1, 900000000, 1, 0)"
    )
    stack.search(f"server-logs/_doc/0-{unindexed}?refresh=true", method="DELETE")
    source = stack.search(f"server-logs/_doc/0-{reindexed}")["_source"]
    stack.search(f"server-logs/_doc/0-{reindexed}?refresh=true", source | {"status": "bad"})
    stack.search(
        "server-logs/_doc/foreign?refresh=true", source | {"origin": {"kafka_partition": 7, "kafka_offset": 1}}
    )

    assert differences(stack) == {
        "no row in MySQL": [[0, deleted, deleted]],
        "in two tables": [[0, doubled, doubled]],
        "another status in MySQL": [[0, moved, moved]],
        "row of no log": [[1, 900000000, 900000000]],
        "no document": [[0, unindexed, unindexed]],
        "another status in the index": [[0, reindexed, reindexed]],
        "document of no log": [[7, 1, 1]],
    }
    assert differences(stack, "--partition", "0", "--from", str(deleted), "--to", str(deleted + 1)) == {
        "no row in MySQL": [[0, deleted, deleted]]
    }
    shown = stack.run("reconcile")
    assert shown.returncode == 1
    assert f"1 in two tables (0-{doubled})" in shown.stdout
    assert "--repair" in shown.stderr

    mended = stack.run("reconcile", "--repair", seconds=180)
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert differences(stack) == {}
    rows = stack.root_sql(
        " UNION ALL ".join(
            f"SELECT kafka_offset, status FROM logs.{table} WHERE kafka_partition = 0 AND kafka_offset"
            f" IN ({deleted}, {doubled}, {moved})"
            for table in TABLES.values()
        )
    )
    assert sorted(rows) == sorted((offset, "good") for offset in (deleted, doubled, moved))


def test_the_dag_is_red_and_names_the_first_origins(stack: Stack) -> None:
    ((_, deleted),) = good_rows(stack, 1)
    kept = f"SELECT * FROM logs.good_logs WHERE kafka_partition = 0 AND kafka_offset = {deleted}"
    stack.root_sql(f"CREATE TABLE logs.kept AS {kept}")
    stack.root_sql(f"DELETE FROM logs.good_logs WHERE kafka_partition = 0 AND kafka_offset = {deleted}")
    try:
        done = stack.run("airflow", "dags", "test", "reconcile_logs", seconds=180)
        printed = done.stdout + done.stderr
        assert f"1 no row in MySQL (0-{deleted})" in printed, printed[-4000:]
        assert done.returncode != 0
    finally:
        stack.root_sql("INSERT INTO logs.good_logs SELECT * FROM logs.kept")
        stack.root_sql("DROP TABLE logs.kept")


def test_a_document_of_a_log_that_comes_during_the_search_is_no_stray(stack: Stack) -> None:
    before: dict[int, int] = {}
    answers = iter([before, stack.ends("server-logs")])
    with Elasticsearch(f"http://127.0.0.1:{stack.ports['elasticsearch']}") as client:
        assert documents_of_no_log(client, lambda: before)
        assert documents_of_no_log(client, lambda: next(answers)) == []


@pytest.mark.parametrize("options", [("--from", "3"), ("--partition", "-1")])
def test_a_wrong_range_is_refused(stack: Stack, options: tuple[str, ...]) -> None:
    assert stack.run("reconcile", *options).returncode != 0
