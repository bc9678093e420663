"""Where a proof begins if Kafka removed verdicts or logs, and how it treats offsets without a log."""

import numpy as np
import pytest

from include.proof import evidence
from include.proof.comparison import Past
from include.proof.reconcile import Begin, begin
from tests.unit.staged.kafka import StagedConsumer


@pytest.mark.parametrize(
    ("what", "keys", "first", "found"),
    [
        ("nothing was removed", ["0-0", "0-1"], 0, 0),
        ("old verdicts were", ["0-7", "0-8"], 7, 7),
        ("all were: an idle partition", [], 9, None),
        ("a correction is the oldest that is left", ["!0-3", "!0-900", "0-8", "0-9"], 7, 8),
        ("corrections alone are left", ["!0-3", "!0-4"], 7, None),
        ("strangers do not count", ["x", "5-3", "0-8"], 7, 8),
    ],
)
def test_the_first_log_comes_from_verdicts_of_the_stream_only(what, keys, first, found) -> None:
    status = first, first + len(keys)
    assert evidence.first_origin(StagedConsumer(keys, first), 0, status) == found, what


def test_verdicts_that_are_not_loaded_yet_do_not_decide_where_a_proof_begins() -> None:
    assert evidence.first_origin(StagedConsumer(["0-7", "0-8"], 7), 0, (7, 7)) is None


OLDEST, JUDGED = 700, 600
"""Kafka has the status messages from 700 on; the first one is about log 600."""


@pytest.mark.parametrize(
    ("what", "closed", "oldest", "judged", "known", "hourly", "manual"),
    [
        ("all is there", (500, 550), 0, 0, 0, Begin(500, 550), Begin(0, 0)),
        ("the first proof", None, 0, 0, 0, Begin(0, 0), Begin(0, 0)),
        ("the stream began on an old topic", None, 0, 90, 90, Begin(90, 0), Begin(90, 0)),
        ("the same, later", (500, 550), 0, 90, 90, Begin(500, 550), Begin(90, 0)),
        ("proven before they were removed", (650, 750), OLDEST, JUDGED, 0, Begin(650, 750), Begin(600, 700, 600)),
        ("removed to just behind the proven", (600, 700), OLDEST, JUDGED, 0, Begin(600, 700), Begin(600, 700, 600)),
        ("removed before they were proven", (500, 550), OLDEST, JUDGED, 0, Begin(500, 700, 600), Begin(500, 700, 600)),
        ("the same, and nothing was proven", None, OLDEST, JUDGED, 0, Begin(0, 700, 600), Begin(0, 700, 600)),
        ("emptied, all was proven", (600, 700), OLDEST, 600, 0, Begin(600, 700), Begin(600, 700, 600)),
        ("emptied before they were proven", (500, 550), OLDEST, 600, 0, Begin(500, 700, 600), Begin(500, 700, 600)),
        ("adopted: the first verdict of all is there", None, OLDEST, 0, 0, Begin(0, 700, 0), Begin(0, 700, 0)),
    ],
)  # fmt: skip
def test_a_proof_skips_nothing_unproven(what, closed, oldest, judged, known, hourly, manual) -> None:
    found = [begin(closed, oldest, judged, known, new_only) for new_only in (True, False)]
    assert found == [hourly, manual], what


LOGS = [*"abc", "", *"ef", "", "", "i"]
"""In server-logs from offset 10 on; transaction markers are at 13, 16 and 17."""


@pytest.mark.parametrize(
    ("asked", "gaps", "removed"),
    [
        ([13], [13], []),
        ([12, 13, 14], [13], []),
        ([13, 16, 17], [13, 16, 17], []),
        ([17], [17], []),
        ([11, 14], [], []),
        ([3, 9], [], [3, 9]),
        ([3, 9, 10, 16], [16], [3, 9]),
        # The topic was recreated and is shorter than what was judged: a gap there is unknown.
        ([16, 18, 400], [16], []),
    ],
)
def test_gaps_logs_and_removed_records_are_told_apart(asked, gaps, removed) -> None:
    found = evidence.missing_records(StagedConsumer(LOGS, 10), 0, np.array(asked))
    assert [each.tolist() for each in found] == [gaps, removed]


@pytest.mark.parametrize(
    ("what", "past", "had_no_log"),
    [
        ("all were closed, and their verdicts are there", Past(0, 50), [13, 16, 17]),
        ("some were closed", Past(0, 17), [13, 16]),
        ("verdicts on some may be gone", Past(16, 50), [16, 17]),
        ("nothing was closed", Past(), []),
    ],
)
def test_markers_that_kafka_has_removed_were_no_logs_if_a_proof_closed_them(what, past, had_no_log) -> None:
    assert past.had_no_log(np.array([13, 16, 17])).tolist() == had_no_log, what
