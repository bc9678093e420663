"""Verdicts by two versions of a contract are in the same topic: each is read as the one that it says."""

import json
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from include.contract import reading
from include.proof import contents
from jobs.driver.contracts import OtherContractError
from jobs.loading import foreign, layout, verdicts
from jobs.loading.foreign import Batch
from tests.contracts.conftest import Judge
from tests.contracts.test_judging import log_of
from tests.contracts.test_loading import batch, from_rows


def earlier(message: bytes) -> bytes:
    """The verdict as the first version gave it."""
    record: dict[str, Any] = {"colour": "red", **json.loads(message)}
    del record["proxy"], record["contract_version"]
    return json.dumps(record, separators=(",", ":")).encode()


def of_version(message: bytes, version: int) -> bytes:
    return message.replace(b'"contract_version":2', f'"contract_version":{version},"seen":true'.encode())


def test_each_verdict_says_the_version_after_the_first(judge: Judge) -> None:
    (message,) = judge([log_of()])
    assert message.endswith(b',"revision":0,"contract_version":2}')
    (bad,) = judge([log_of(("method", "PATCH"))])
    assert b',"revision":0,"contract_version":2,"raw":"' in bad
    assert list(json.loads(message))[: len(reading.current().names)] == [*reading.current().names]


def test_rows_of_both_are_loaded_together(judge: Judge) -> None:
    present, other = judge([log_of(), log_of(("client/proxy", "10.0.0.1"))])
    rows = verdicts.parse(batch([earlier(present), other])).to_pylist()
    assert [row["contract_version"] for row in rows] == [1, 2]
    assert [row["colour"] for row in rows] == ["red", None]
    assert [row["proxy"] for row in rows] == [None, "10.0.0.1"]
    assert {"colour", "proxy", "contract_version"} <= set(layout.current().columns)


def test_a_verdict_of_a_later_version_ends_the_driver_and_is_not_set_aside(judge: Judge) -> None:
    present, other = judge([log_of(), log_of()])
    given = Batch(1, 1, batch([present, of_version(other, 3)]))
    with pytest.raises(OtherContractError, match=r"version 3 .* reads 2"):
        foreign.parse(given)
    strange = Batch(1, 1, batch([present, b'{"contract_version":1}']))
    rows, found = foreign.parse(strange)
    assert isinstance(rows, pa.Table)
    assert [each.offset for each in found] == [1], "what is no verdict is set aside, as ever"


def test_a_row_of_the_first_version_keeps_what_was_good_then(spark: SparkSession, judge: Judge) -> None:
    """Users may have changed, and nothing else is judged again: `replay` does that, from the bytes."""
    (present,) = judge([log_of()])
    row = json.loads(present) | {"user_name": "é" * 30, "proxy": None}
    assert from_rows(spark, [row]) == [row]


def test_the_proof_reads_both(judge: Judge) -> None:
    (present,) = judge([log_of()])
    was = earlier(present)
    status, partition, offset, checksum = contents.read_verdict(b"1-0", was) or ("", 0, 0, 0)
    assert (status, partition, offset) == ("good", 1, 0)
    document = contents.document_text(json.loads(was))
    assert checksum == contents.crc32(document)
    assert json.loads(document) == json.loads(was), "nothing is added, nothing is missing"
    assert contents.read_verdict(b"1-0", of_version(present, 3)) is None
