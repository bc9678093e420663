"""The proof finds every difference, and nothing else, whatever lies in the hops."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include import proof
from include.proof import Proof

Pairs = list[tuple[int, int]]

FIRST = 2 * proof.BUCKET - 20
"""So that the forty origins of a case lie in two buckets."""

pairs = st.lists(st.tuples(st.integers(FIRST, FIRST + 39), st.sampled_from([1, 2, 3])), max_size=6)


def sums_of(found: Pairs) -> proof.Sums:
    """What the servers would give, the plain way."""
    sums: dict[tuple[int, int], list[int]] = {}
    for offset, code in found:
        rest = offset % proof.BUCKET
        row = sums.setdefault((offset // proof.BUCKET, code), [0, 0, 0])
        for i, term in enumerate((1, rest, rest * rest)):
            row[i] += term
    return {key: tuple(row) for key, row in sums.items()}


def changed(truth: dict[int, int], removed: set[int], added: Pairs) -> Pairs:
    return [(offset, code) for offset, code in truth.items() if offset not in removed] + added


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([0, 1, 1, 1, 2, 3]), min_size=1, max_size=40),
    st.sets(st.integers(FIRST, FIRST + 39), max_size=4),
    st.sets(st.integers(FIRST, FIRST + 39), max_size=4),
    pairs,
    pairs,
    st.sets(st.integers(FIRST, FIRST + 39), max_size=2),
)
def test_buckets_and_then_origins_find_what_a_plain_look_finds(codes, no_rows, no_documents, rows, documents, refused):
    codes = np.array(codes, np.int8)
    end = FIRST + len(codes)
    truth = {FIRST + i: int(code) for i, code in enumerate(codes) if code}
    tables = changed(truth, no_rows, [pair for pair in rows if pair[0] < end and pair[1] != truth.get(pair[0])])
    index = changed(truth, no_documents | refused, [pair for pair in documents if pair[0] < end])

    found = Proof(0, FIRST, end)
    for begin, stop in proof.doubtful(FIRST, codes, sums_of(tables), sums_of(index)):
        within = [[pair for pair in pairs if begin <= pair[0] < stop] for pairs in (tables, index)]
        found.add(proof.differences(begin, codes[begin - FIRST : stop - FIRST], *within, refused))

    expected: dict[str, set[int]] = {}
    row_count, document_count = Counter(o for o, _ in tables), Counter(o for o, _ in index)
    for offset in range(FIRST, end):
        code = truth.get(offset)
        kinds = {
            proof.NO_VERDICT: code is None,
            proof.NO_ROW: not row_count[offset],
            proof.TWO_TABLES: row_count[offset] > 1,
            proof.OTHER_ROW: code and row_count[offset] == 1 and (offset, code) not in tables,
            proof.NO_DOCUMENT: not document_count[offset] and offset not in refused,
            proof.TWO_DOCUMENTS: document_count[offset] > 1,
            proof.OTHER_DOCUMENT: code and document_count[offset] == 1 and (offset, code) not in index,
        }
        for kind, is_so in kinds.items():
            if is_so:
                expected.setdefault(kind, set()).add(offset)
    assert {kind: set(offsets.tolist()) for kind, offsets in found.differences.items()} == expected


def test_a_whole_range_has_nothing_doubtful():
    codes = np.random.default_rng(7).integers(1, 4, 3 * proof.BUCKET + 17).astype(np.int8)
    pairs = [(1000 + i, int(code)) for i, code in enumerate(codes)]
    assert proof.doubtful(1000, codes, sums_of(pairs), sums_of(pairs)) == []


def test_the_sentence_names_counts_and_the_first_origins():
    found = Proof(3, 100, 1100, keys=1000, rows=990, documents=1000)
    assert found.sentence().endswith("1,000 logs, each with one status, one row and one document")
    found.documents = 998
    assert found.sentence().endswith(
        "1,000 logs, each with one status and one row, 998 with one document: Elasticsearch refused the others"
    )
    found.add({proof.NO_ROW: np.arange(200, 210)})
    found.add({proof.NO_ROW: np.array([205, 300]), proof.OTHER_DOCUMENT: np.array([7])})
    sentence = found.sentence()
    assert "11 no row in MySQL (3-200 to 3-209, 3-300)" in sentence
    assert "1 another status in the index (3-7)" in sentence
    assert found.as_json()["differences"] == {proof.NO_ROW: [(200, 209), (300, 300)], proof.OTHER_DOCUMENT: [(7, 7)]}


def test_the_sentence_tells_what_has_expired_and_what_of_it_is_left():
    found = Proof(0, 2000, 3000, documents=1000, expired=2000)
    assert found.sentence().startswith(
        "partition 0, offsets 2,000 to 2,999: 1,000 logs (those before offset 2,000 have"
    )
    found.left = 3
    assert "have expired, 3 rows and documents of theirs are left to expire_logs), each with" in found.sentence()
    assert (
        Proof(0, 2000, 2000, expired=2000).sentence().endswith("no new logs (those before offset 2,000 have expired)")
    )


def test_the_sentence_names_a_few_runs_of_many() -> None:
    found = Proof(3, 0, 100)
    found.add({proof.NO_ROW: np.arange(0, 40, 2)})
    assert "20 no row in MySQL (3-0, 3-2, 3-4, 3-6, 3-8, …)" in found.sentence()


def test_offsets_that_hold_no_log_are_told_and_not_counted() -> None:
    found = Proof(0, 0, 1000, documents=997, gaps=3)
    assert found.logs == 997
    assert "997 logs (offsets that hold none: 3, as a producer with transactions leaves them)" in found.sentence()
    assert found.sentence().endswith("each with one status, one row and one document")


GONE = 20
"""In the cases below Kafka has removed the verdicts of the origins before it."""


@pytest.mark.parametrize(
    ("what", "offset", "code", "hops", "in_logs", "kinds"),
    [
        ("whole", 25, 1, {"row", "document"}, "there", set()),
        ("a marker of a transaction", 25, 0, set(), "gap", set()),
        ("a marker, its neighbours' verdicts gone", 15, 0, set(), "gap", set()),
        ("lost in every hop", 25, 0, set(), "there", {proof.NO_VERDICT, proof.NO_ROW, proof.NO_DOCUMENT}),
        ("lost, its verdict gone", 15, 0, set(), "there", {proof.UNPROVEN, proof.NO_ROW, proof.NO_DOCUMENT}),
        ("a log or a marker, nobody knows", 25, 0, set(), "removed", {proof.UNPROVEN}),
        ("only its verdict is gone", 15, 0, {"row", "document"}, "removed", {proof.UNPROVEN}),
        ("its verdict is gone and its document lost", 15, 0, {"row"}, "there", {proof.UNPROVEN, proof.NO_DOCUMENT}),
        ("its verdict is lost", 25, 0, {"row", "document"}, "there", {proof.NO_VERDICT}),
        ("judged again since its verdict was gone", 15, 1, {"row"}, "there", {proof.NO_DOCUMENT}),
    ],
)  # fmt: skip
def test_what_is_lost_is_told_from_what_is_no_log_and_from_what_nobody_can_tell(
    what: str, offset: int, code: int, hops: set[str], in_logs: str, kinds: set[str]
) -> None:
    rows, documents = ([(offset, 1)] if hop in hops else [] for hop in ("row", "document"))
    found = proof.differences(offset, np.array([code], np.int8), rows, documents, ())
    asked = proof.nowhere(found)
    gaps, removed = (asked if in_logs == answer else asked[:0] for answer in ("gap", "removed"))
    made = Proof(0, offset, offset + 1)
    made.add(proof.explained(found, gaps, removed, GONE))
    assert set(made.differences) == kinds, what
    assert made.to_judge_again() == ([(offset, offset)] if kinds else [])


def test_what_cannot_be_proven_is_named_by_partition_and_range() -> None:
    found = Proof(4, 0, 900)
    found.add({proof.UNPROVEN: np.arange(100, 600)})
    assert "500 cannot be proven, as Kafka has removed what would tell (4-100 to 4-599)" in found.sentence()


def test_only_logs_are_judged_again():
    found = Proof(0, 0, 100)
    assert found.to_judge_again() == []
    found.add({proof.ROW_OF_NO_LOG: np.array([500]), proof.NO_ROW: np.array([4, 5]), proof.TWO_TABLES: np.array([6])})
    assert found.to_judge_again() == [(4, 6)]
