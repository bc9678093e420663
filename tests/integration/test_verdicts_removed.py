"""Kafka has removed verdicts, as its retention does: proven logs stay proven, and unproven ones are named."""

import json
from pathlib import Path
from typing import Any

from include.proof.report import UNPROVEN
from tests.integration.stack import Stack, check, until, wait_until_it_loads
from tests.integration.test_expire import send_correction
from tests.integration.test_reconcile import differences
from tests.integration.test_start_of_driver import start_manually

STATUS = "server-logs-status"
PARTITION = 0
CLOSED = "SELECT next_offset, status_offset FROM logs.reconciled WHERE kafka_partition = %s"
ALL_LOADED = "SELECT SUM(last_offset + 1) FROM logs.load_progress WHERE kafka_partition < 100"
LOADED = "SELECT last_offset + 1, status_offset + 1 FROM logs.load_progress WHERE kafka_partition = %s"


def place(stack: Stack, query: str) -> tuple[int, int]:
    """The next log and the next status message of the partition."""
    ((log, status),) = stack.root_sql(query, (PARTITION,))
    return log, status


def prove_whole(stack: Stack, *options: str) -> dict[str, Any]:
    """The proof of the partition, from the command; fails unless all partitions are complete."""
    done = stack.run("reconcile", "--json", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(proof for proof in json.loads(done.stdout) if proof["partition"] == PARTITION)


def remove_unproven(stack: Stack) -> list[list[int]]:
    """Makes Kafka remove verdicts that are loaded, but not proven; returns their origins, as a proof names them."""
    prove_whole(stack)
    (first, closed) = place(stack, CLOSED)
    stack.generate(400 * len(stack.ends(STATUS)))
    until(lambda: place(stack, LOADED)[1] > closed + 200, 60, "new logs are loaded")
    at = next(each for each in stack.messages(STATUS, {PARTITION: closed + 100}) if each.partition == PARTITION)
    stack.remove(STATUS, {PARTITION: at.offset})
    return [[PARTITION, first, int(at.key.split(b"-")[1]) - 1]]


def test_verdicts_removed_before_they_were_proven_are_named_until_a_manual_proof(stack: Stack) -> None:
    wait_until_it_loads(stack)
    unproven = remove_unproven(stack)
    assert differences(stack, "--new") == {UNPROVEN: unproven}
    assert differences(stack, "--new") == {UNPROVEN: unproven}, "an hourly proof still reports it"
    shown = stack.run("reconcile")
    assert shown.returncode == 1
    ((_, first, last),) = unproven
    assert f"cannot be proven, as Kafka has removed what would tell (0-{first} to 0-{last})" in shown.stdout
    until(lambda: prove_whole(stack, "--new")["logs"], 60, "hourly proofs continue after them")
    assert prove_whole(stack)["first"] == last + 1, "a manual proof starts with the oldest existing verdict"


def test_unproven_logs_are_rejudged_if_kafka_still_has_them(stack: Stack) -> None:
    unproven = remove_unproven(stack)
    assert differences(stack, "--new") == {UNPROVEN: unproven}
    repaired = stack.run("reconcile", "--new", "--repair", seconds=180)
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert differences(stack) == {}


def test_an_emptied_partition_is_neither_a_failure_nor_lag_and_a_correction_starts_no_proof(
    stack: Stack, tmp_path: Path
) -> None:
    assert stack.run("stream", "stop").returncode == 0
    # Loads the last verdicts too, and exits.
    assert start_manually(stack, tmp_path / "bounded.log", "--trigger", "available-now").wait(timeout=180) == 0
    until(lambda: stack.status().lag["index"] == 0, 60, "all verdicts are indexed")
    prove_whole(stack)
    stack.remove(STATUS, {PARTITION: stack.ends(STATUS)[PARTITION]})

    for options in ((), ("--new",)):
        proof = prove_whole(stack, *options)
        assert (proof["logs"], proof["first"]) == (0, place(stack, LOADED)[0])
    # Nothing is judged now, but logs still arrive.
    loaded = int(stack.root_sql(ALL_LOADED)[0][0])
    before, lag, after = stack.ends("server-logs"), stack.status().lag, stack.ends("server-logs")
    assert sum(before.values()) - loaded <= lag["classify"] <= sum(after.values()) - loaded
    assert lag["index"] == 0

    # A correction of a log that is already proven: it will be the first message in the partition.
    corrected, since = place(stack, LOADED)[0] - 100, stack.now()
    send_correction(stack, PARTITION, corrected)
    stack.generate(400 * len(stack.ends(STATUS)))
    assert stack.run("stream", "start").returncode == 0
    wait_until_it_loads(stack)
    until(lambda: prove_whole(stack)["logs"] > 100, 60, "the first new verdict is the first to be proven")
    assert prove_whole(stack)["first"] > corrected
    check(stack, since)
