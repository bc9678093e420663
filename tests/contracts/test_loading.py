"""`load` takes the verdicts of another contract; rows of logs that are not bad are judged again as they were."""

import csv
import io
import json
from datetime import datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from include import names
from include.contract import reading
from jobs.judging import judge as judgement
from jobs.judging import users
from jobs.loading import layout, verdicts
from jobs.loading.counts import SENT_AT
from jobs.rejudging import chosen
from tests.contracts.conftest import RECEIVED_AT, USERS, Judge
from tests.contracts.oracle import FIELDS
from tests.contracts.test_judging import CASES, log_of

# A BOOLEAN of two tables is a number to JDBC.
KINDS = {
    "int32": "int", "int64": "bigint", "number": "double", "boolean": "tinyint", "seconds": "bigint",
    "milliseconds": "bigint",
}  # fmt: skip


def batch(messages: list[bytes]) -> pa.RecordBatch:
    """Messages as `load` gets them."""
    count = len(messages)
    return pa.record_batch(
        {
            "partition": pa.array([1] * count, pa.int32()),
            "offset": pa.array(range(count), pa.int64()),
            SENT_AT: pa.array([1_000] * count, pa.int64()),
            "value": pa.array([message + b"\n" for message in messages], pa.binary()),
        }
    )


def test_rows_say_what_the_verdicts_say(judge: Judge) -> None:
    sent = judge([log_of(*changes) for changes, _, _ in CASES])
    rows = verdicts.parse(batch(sent))
    verdicts.check_values(rows)
    for row, message in zip(rows.to_pylist(), map(json.loads, sent), strict=True):
        fields = {name: message[name] for name in reading.current().names}
        assert {name: row[name] for name in fields} == fields


def test_cells_tell_null_from_an_empty_text(judge: Judge) -> None:
    rows = verdicts.parse(batch(judge([log_of(("request/user/name", name)) for name in ("", None)])))
    cells = list(csv.reader(io.StringIO(verdicts.to_csv(rows).decode(), newline="")))
    place = layout.current().columns.index("user_name")
    assert [row[place] for row in cells] == ["=", ""]
    assert [row[layout.current().columns.index("cached")] for row in cells] == ["0", "0"]
    assert "`order` = IF(LENGTH(@`order`) = 0, NULL, @`order`)" in layout.current().loading[names.GOOD]
    assert "SUBSTRING(@`user_name`, 2)" in layout.current().loading[names.GOOD]


def from_rows(spark: SparkSession, kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The verdicts on logs that are rebuilt from the rows of these verdicts."""
    columns = ", ".join(f"`{field.name}` {KINDS.get(field.form, 'string')}" for field in reading.current().fields)
    rows = [
        (1, message["origin"]["kafka_offset"], RECEIVED_AT, *map(cell, FIELDS, message.values())) for message in kept
    ]
    frame = spark.createDataFrame(rows, f"partition int, offset long, timestamp timestamp, {columns}")
    known = [(user, f"0000000{device}\1{country}", 3) for user, (device, country) in USERS.items()]
    logs = frame.select("partition", "offset", "timestamp", chosen.value_of_row())
    again = judgement.judge(logs, spark.createDataFrame(known, users.schema()), are_of_rows=True)
    return [json.loads(row.verdict) for row in again.orderBy("offset").collect()]


def test_a_row_gets_the_verdict_of_its_log(judge: Judge, spark: SparkSession) -> None:
    """The log is rebuilt from the columns alone, without its paths, its kinds of JSON, and what it did not have."""
    sent = [json.loads(message) for message in judge([log_of(*changes) for changes, _, _ in CASES])]
    kept = [message for message in sent if message["status"] != names.BAD]
    assert from_rows(spark, kept) == kept
    assert len(kept) > 20


def cell(name: str, value: Any) -> Any:
    """A value of a verdict as MySQL's driver gives it, times as chosen.py asks for them."""
    form = reading.current().by_name[name].form
    if value is None or form not in ("number", "boolean", "seconds", "milliseconds"):
        return value
    if form == "boolean":
        return int(value)
    if form == "number":
        return float(value)
    return int(datetime.fromisoformat(value).timestamp() * (1 if form == "seconds" else 1000) + 0.5)
