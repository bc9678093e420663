"""The proof finds every difference and nothing else, whatever the hops contain."""

import json
from collections import Counter
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include import names
from include.proof import report
from include.proof.bucket_sums import BUCKET, CODES, Sums, doubtful, sums
from include.proof.contents import document_text
from include.proof.report import Proof, Stray

FIRST = 2 * BUCKET - 20
"""Puts the forty origins of a case into two buckets."""
BY_CODE = {code: status for status, code in CODES.items()}

Held = tuple[int, str, str]
"""Offset, status and device of a row or a document."""

held = st.lists(
    st.tuples(st.integers(FIRST, FIRST + 39), st.sampled_from(names.STATUSES), st.sampled_from(["A", "A ", "B"])),
    max_size=6,
)


def text(offset: int, status: str, device: str = "A") -> bytes:
    """Returns what a hop has of the log; here status and device can differ."""
    return json.dumps({"device": device, "status": status, "origin": offset}, separators=(",", ":")).encode()


def sums_of(rows: list[Held]) -> Sums:
    """Computes what MySQL would return."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for row in rows:
        key = row[0] // BUCKET, CODES[row[1]]
        count, total = found.get(key, (0, 0))
        found[key] = count + 1, total + crc32(text(*row)) * (row[0] % BUCKET + 1)
    return found


def changed(truth: dict[int, str], removed: set[int], added: list[Held]) -> list[Held]:
    # Two rows of one origin are of two tables.
    kept = {offset: status for offset, status in truth.items() if offset not in removed}
    rows = dict.fromkeys(kept.items(), "A")
    return [(*key, device) for key, device in (rows | {(each[0], each[1]): each[2] for each in added}).items()]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([0, 1, 1, 1, 2, 3]), min_size=1, max_size=40),
    st.sets(st.integers(FIRST, FIRST + 39), max_size=4),
    st.sets(st.integers(FIRST, FIRST + 39), max_size=4),
    held,
    held,
    st.sets(st.integers(FIRST, FIRST + 39), max_size=2),
)
def test_buckets_and_then_origins_find_the_same_as_a_plain_comparison(
    codes, no_rows, no_documents, rows, documents, refused
):
    codes = np.array(codes, np.int8)
    end = FIRST + len(codes)
    truth = {FIRST + i: BY_CODE[int(code)] for i, code in enumerate(codes) if code}
    verdicts = {offset: text(offset, status) for offset, status in truth.items()}
    checksums = np.array([crc32(verdicts.get(FIRST + i, b"")) for i in range(len(codes))], np.uint32)
    tables = changed(truth, no_rows, [each for each in rows if each[0] < end])
    index = changed(truth, no_documents | refused, [each for each in documents if each[0] < end])
    index = list({each[0]: each for each in index}.values())

    found = Proof(0, FIRST, end)
    buckets = doubtful(FIRST, codes, checksums, sums_of(tables))
    offsets = np.arange(FIRST, end)
    for looked in (offsets[np.isin(offsets // BUCKET, list(buckets))], offsets):
        found.add(
            report.differences(
                looked,
                verdicts,
                [(each[0], text(*each)) for each in tables],
                [(each[0], json.loads(text(*each))) for each in index] if looked is offsets else [],
                refused if looked is offsets else set(looked.tolist()),
            )
        )
        if looked is not offsets:
            of_rows = {kind: set(these.tolist()) for kind, these in found.differences.items()}

    expected: dict[str, set[int]] = {}
    row_count, document_count = Counter(each[0] for each in tables), Counter(each[0] for each in index)
    for offset in range(FIRST, end):
        kinds = {
            report.NO_VERDICT: offset not in truth,
            report.NO_ROW: not row_count[offset],
            report.TWO_TABLES: row_count[offset] > 1,
            report.NO_DOCUMENT: not document_count[offset] and offset not in refused,
        }
        for kind, hop in ((report.OTHER_IN_MYSQL, tables), (report.OTHER_IN_INDEX, index)):
            here = [each for each in hop if each[0] == offset]
            for place, name in ((1, "status"), (2, "device")):
                want = (offset, truth.get(offset), "A")[place]
                kinds[kind.format(field=name)] = offset in truth and len(here) == 1 and here[0][place] != want
        for kind, is_so in kinds.items():
            if is_so:
                expected.setdefault(kind, set()).add(offset)
    assert {kind: set(offsets.tolist()) for kind, offsets in found.differences.items()} == expected
    assert of_rows == {kind: these for kind, these in expected.items() if kind not in OF_THE_INDEX}


OF_THE_INDEX = {
    report.NO_DOCUMENT,
    *(report.OTHER_IN_INDEX.format(field=name) for name in ("status", "device")),
}
"""Kinds that MySQL's sums do not have to show."""


def range_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.integers(1, 4, count).astype(np.int8), rng.integers(0, 2**32, count).astype(np.uint32)


def plain_sums(first: int, codes: np.ndarray, checksums: np.ndarray) -> Sums:
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for offset, (code, checksum) in enumerate(zip(codes.tolist(), checksums.tolist(), strict=True), first):
        count, total = found.get((offset // BUCKET, code), (0, 0))
        found[offset // BUCKET, code] = count + 1, total + checksum * (offset % BUCKET + 1)
    return found


def test_a_whole_range_has_nothing_doubtful() -> None:
    codes, checksums = range_of(3 * BUCKET + 17)
    assert sums(1000, codes, checksums) == plain_sums(1000, codes, checksums)
    assert doubtful(1000, codes, checksums, plain_sums(1000, codes, checksums)) == set()


def test_the_greatest_checksums_of_a_whole_bucket_add_up() -> None:
    codes, checksums = np.ones(BUCKET, np.int8), np.full(BUCKET, 2**32 - 1, np.uint32)
    assert sums(0, codes, checksums) == plain_sums(0, codes, checksums)


@pytest.mark.parametrize("other", [1, BUCKET - 1])
def test_two_equal_edits_do_not_cancel_each_other_out(other: int) -> None:
    codes, checksums = np.ones(BUCKET, np.int8), range_of(BUCKET)[1]
    edited = checksums.astype(np.int64)
    edited[0], edited[other] = edited[0] + 12345, edited[other] - 12345
    assert doubtful(0, codes, checksums, plain_sums(0, codes, edited)) == {0}


def test_rows_are_compared_by_value_not_by_escaping() -> None:
    verdict = b'{"device":"a\\u001fb"}'
    row, document = b'{"device":"a\\u001Fb"}', {"device": "a\x1fb"}
    assert report.differences(np.array([4]), {4: verdict}, [(4, row)], [(4, document)], ()) == {}


def test_fields_of_a_document_may_have_any_order_and_missing_or_extra_ones_are_named() -> None:
    verdict = text(4, "good")
    record: dict[str, Any] = dict(reversed(json.loads(verdict).items()))
    assert document_text(record) == verdict
    for edited, kind in (
        ({**record, "more": None}, "another more in the index"),
        ({name: value for name, value in record.items() if name != "device"}, "another device in the index"),
    ):
        assert set(report.differences(np.array([4]), {4: verdict}, [(4, verdict)], [(4, edited)], ())) == {kind}


def test_the_sentence_names_counts_and_the_first_origins():
    found = Proof(3, 100, 1100, keys=1000, rows=990, documents=1000)
    assert found.sentence().endswith("1,000 logs, each with one status, one row and one document")
    found.documents = 998
    assert found.sentence().endswith(
        "1,000 logs, each with one status and one row, 998 with one document: Elasticsearch refused the others"
    )
    found.add({report.NO_ROW: np.arange(200, 210)})
    found.add({report.NO_ROW: np.array([205, 300]), report.OTHER_IN_INDEX.format(field="device"): np.array([7])})
    sentence = found.sentence()
    assert "11 no row in MySQL (3-200 to 3-209, 3-300)" in sentence
    assert "1 another device in the index (3-7)" in sentence
    assert found.as_json()["differences"] == {
        report.NO_ROW: [(200, 209), (300, 300)],
        "another device in the index": [(7, 7)],
    }


def test_the_sentence_names_expired_logs_and_what_is_left_of_them():
    found = Proof(0, 2000, 3000, documents=1000, expired=2000)
    assert found.sentence().startswith(
        "partition 0, offsets 2,000 to 2,999: 1,000 logs (those before offset 2,000 have"
    )
    found.left = 3
    assert "have expired; 3 of their rows and documents are left for expire_logs), each with" in found.sentence()
    assert (
        Proof(0, 2000, 2000, expired=2000).sentence().endswith("no new logs (those before offset 2,000 have expired)")
    )


def test_the_sentence_names_only_the_first_runs() -> None:
    found = Proof(3, 0, 100)
    found.add({report.NO_ROW: np.arange(0, 40, 2)})
    assert "20 no row in MySQL (3-0, 3-2, 3-4, 3-6, 3-8, …)" in found.sentence()


def test_offsets_without_a_log_are_reported_but_not_counted() -> None:
    found = Proof(0, 0, 1000, documents=997, gaps=3)
    assert found.logs == 997
    assert "997 logs (offsets without a log: 3, left by a transactional producer)" in found.sentence()
    assert found.sentence().endswith("each with one status, one row and one document")


GONE = 20
"""In the cases below Kafka has removed the verdicts of the origins before it."""


@pytest.mark.parametrize(
    ("what", "offset", "code", "hops", "in_logs", "kinds"),
    [
        ("whole", 25, 1, {"row", "document"}, "there", set()),
        ("a marker of a transaction", 25, 0, set(), "gap", set()),
        ("a marker, its neighbours' verdicts gone", 15, 0, set(), "gap", set()),
        ("lost in every hop", 25, 0, set(), "there", {report.NO_VERDICT, report.NO_ROW, report.NO_DOCUMENT}),
        ("lost, its verdict gone", 15, 0, set(), "there", {report.UNPROVEN, report.NO_ROW, report.NO_DOCUMENT}),
        ("a log or a marker, nobody knows", 25, 0, set(), "removed", {report.UNPROVEN}),
        ("only its verdict is gone", 15, 0, {"row", "document"}, "removed", {report.UNPROVEN}),
        ("its verdict is gone and its document lost", 15, 0, {"row"}, "there", {report.UNPROVEN, report.NO_DOCUMENT}),
        ("its verdict is lost", 25, 0, {"row", "document"}, "there", {report.NO_VERDICT}),
        ("judged again since its verdict was gone", 15, 1, {"row"}, "there", {report.NO_DOCUMENT}),
    ],
)  # fmt: skip
def test_lost_logs_gaps_and_unprovable_logs_are_told_apart(
    what: str, offset: int, code: int, hops: set[str], in_logs: str, kinds: set[str]
) -> None:
    said = text(offset, "good")
    rows = [(offset, said)] if "row" in hops else []
    documents = [(offset, json.loads(said))] if "document" in hops else []
    found = report.differences(np.array([offset]), {offset: said} if code else {}, rows, documents, ())
    asked = report.nowhere(found)
    gaps, removed = (asked if in_logs == answer else asked[:0] for answer in ("gap", "removed"))
    made = Proof(0, offset, offset + 1)
    made.add(report.explained(found, gaps, removed, GONE))
    assert set(made.differences) == kinds, what
    assert made.to_judge_again() == ([(offset, offset)] if kinds else [])


def test_unprovable_logs_are_named_by_partition_and_range() -> None:
    found = Proof(4, 0, 900)
    found.add({report.UNPROVEN: np.arange(100, 600)})
    assert "500 cannot be proven, as Kafka has removed what would tell (4-100 to 4-599)" in found.sentence()


def test_only_logs_are_rejudged():
    found = Proof(0, 0, 100)
    assert found.to_judge_again() == []
    found.add(
        {report.ROW_OF_NO_LOG: np.array([500]), report.NO_ROW: np.array([4, 5]), report.TWO_TABLES: np.array([6])}
    )
    assert found.to_judge_again() == [(4, 6)]
    found.places[5] = 77  # its verdict is sent again
    assert found.to_judge_again() == [(4, 4), (6, 6)]


def test_strays_are_named_by_id_and_origin() -> None:
    found = Proof(None, 0, 0, strays=[Stray("for\x1beign", "index", report.WITHOUT_ORIGIN, None, None, 1, 1)])
    assert found.sentence() == r"of no partition: no logs, but 1 document without an origin (for\x1beign)"
    strays = [Stray(f"x{number}", "index", report.OTHER_ID, 3, "3-7", 1, 1) for number in range(6)]
    sentence = Proof(3, 0, 100, strays=strays).sentence()
    assert "6 document whose id is not its origin (x0 has origin 3-7, x1 has origin 3-7, " in sentence
    assert sentence.endswith("x4 has origin 3-7, …)")
    assert Proof(3, 0, 100, strays=strays).kinds == {report.OTHER_ID}


def test_a_row_with_a_negative_offset_is_named_readably() -> None:
    assert (
        "1 row of no log (kafka_offset -5)"
        in Proof(1, 0, 9, differences={report.ROW_OF_NO_LOG: np.array([-5])}).sentence()
    )
