"""Converts status messages with Arrow, many at once: from JSON to rows, and to the CSV that `load` sends. Pure."""

import io
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json

from include import names

_ORIGIN: Final = pa.struct([("kafka_partition", pa.int32()), ("kafka_offset", pa.int64())])
_VERDICT: Final = pa.schema(
    [
        *((field, pa.int32() if field == "account_id" else pa.string()) for field in names.FIELDS),
        ("status", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("origin", _ORIGIN),
        ("received_at", pa.string()),
        ("users_version", pa.int32()),
        ("revision", pa.int32()),
        ("raw", pa.string()),
        ("raw_size", pa.int32()),
    ]
)
_ALWAYS: Final = (
    "status", "reasons", "received_at", "kafka_partition", "kafka_offset", "users_version", "revision",
)  # fmt: skip

_TIMES: Final = {
    "event_timestamp": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$",
    "received_at": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}
_REASON: Final = "^[a-z_]+$"
_BASE64: Final = "^[A-Za-z0-9+/]*={0,2}$"

COLUMNS: Final = (*names.FIELDS, *_ALWAYS)
"""The columns of all three tables, in the order of the CSV; in bad_logs, RAW_COLUMNS follow."""
RAW_COLUMNS: Final = ("raw", "raw_size")


class NotAVerdictError(ValueError):
    """At least one of the messages is not a verdict."""


def parse(messages: pa.RecordBatch) -> pa.Table:
    """Parses status messages of one partition (partition int32, offset int64, value binary ending in a newline).

    Returns COLUMNS and RAW_COLUMNS; times are text as sent. Raises NotAVerdictError.
    """
    try:
        return _parse(messages)
    except pa.ArrowInvalid as error:
        raise NotAVerdictError(str(error)) from error


def _parse(messages: pa.RecordBatch) -> pa.Table:
    lines = _buffer(messages["value"])
    # Otherwise two messages could have three lines together, or a pretty-printed one several.
    if np.count_nonzero(np.frombuffer(lines, np.uint8) == ord("\n")) != messages.num_rows:
        raise NotAVerdictError("not exactly one line per message")
    # On a line that is `null`, pyarrow 26 crashes the process instead of failing.
    is_object = pc.and_(pc.starts_with(messages["value"], "{"), pc.ends_with(messages["value"], "}\n"))
    if not pc.all(is_object, skip_nulls=False).as_py():
        raise NotAVerdictError("no JSON object")
    table = pyarrow.json.read_json(
        pa.BufferReader(lines),
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=lines.size),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=_VERDICT, unexpected_field_behavior="error"),
    )
    if table.num_rows != messages.num_rows:
        raise NotAVerdictError("not exactly one object per message")
    origin = table["origin"].combine_chunks()
    for name in ("kafka_partition", "kafka_offset"):
        table = table.append_column(name, pc.struct_field(origin, name))
    table = table.select([*COLUMNS, *RAW_COLUMNS])
    _check(table, messages["partition"])
    return table


def _check(table: pa.Table, partition: pa.Array) -> None:
    is_bad = pc.equal(table["status"], names.BAD)
    if any(table[name].null_count for name in _ALWAYS):
        raise NotAVerdictError(f"one of {', '.join(_ALWAYS)} is missing or null")
    if not pc.all(pc.is_in(table["status"], pa.array(names.STATUSES))).as_py():
        raise NotAVerdictError("unknown status")
    if not pc.all(pc.equal(table["kafka_partition"], partition)).as_py():
        raise NotAVerdictError("the origin names another partition")
    if any(pc.any(pc.and_not(pc.is_null(table[field]), is_bad)).as_py() for field in names.FIELDS):
        raise NotAVerdictError("a field is null, but the log is not bad")


def check_values(rows: pa.Table) -> None:
    """Checks that the tables store every value unchanged, as all of `classify`'s values. Raises NotAVerdictError.

    This costs as much as parsing, so it is called only if MySQL has refused some.
    """
    for name in names.TEXT_FIELDS:
        _all(
            pc.less_equal(pc.utf8_length(rows[name]), names.MAX_TEXT),
            f"{name} has more than {names.MAX_TEXT} characters",
        )
    for name, pattern in _TIMES.items():
        _all(pc.match_substring_regex(rows[name], pattern), f"{name} is not in a verdict's format")
        _real_times(rows[name], name)
    _all(pc.match_substring_regex(pc.list_flatten(rows["reasons"]), _REASON), "a reason is not a word")
    _all(pc.match_substring_regex(rows["raw"], _BASE64), "raw is not base64")
    _all(pc.greater_equal(rows["kafka_offset"], 0), "an offset is below 0")


def _all(are: pa.ChunkedArray, otherwise: str) -> None:
    """Raises NotAVerdictError with the text unless all values are true; null is ignored."""
    if pc.all(are).as_py() is False:
        raise NotAVerdictError(otherwise)


def _real_times(times: pa.ChunkedArray, name: str) -> None:
    try:
        pc.cast(times, pa.timestamp("ms", "UTC"))
    except pa.ArrowInvalid as error:
        raise NotAVerdictError(f"{name} is not a time: {error}") from error


def _buffer(values: pa.BinaryArray) -> pa.Buffer:
    """The concatenated bytes of all values, without a copy."""
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int32)[values.offset :][: len(values) + 1]
    return values.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def split(rows: pa.Table, last_offset: int) -> tuple[pa.Table, np.ndarray]:
    """Returns the rows to load, and the origins' offsets to delete first. `last_offset`: the highest one loaded so far.

    `rows` are in the order of the status topic; for a repeated origin the last verdict is kept. Rows that only append,
    as all do unless a batch is replayed, are returned unchanged.
    """
    offsets = rows["kafka_offset"].to_numpy()
    if offsets[0] > last_offset and np.all(np.diff(offsets) > 0):
        return rows, offsets[:0]
    kept, from_end = np.unique(offsets[::-1], return_index=True)
    return rows.take(len(offsets) - 1 - from_end), kept[kept <= last_offset]


def to_csv(rows: pa.Table) -> bytes:
    """CSV without a header: text in double quotes, doubled inside the text; null is empty; times have no Z."""
    reasons = rows["reasons"].combine_chunks()
    listed = pc.binary_join_element_wise('["', pc.binary_join(reasons, '","'), '"]', "")
    text = pc.if_else(pc.equal(pc.list_value_length(reasons), 0), "[]", listed)
    written = {
        "reasons": text,
        "event_timestamp": pc.utf8_slice_codeunits(rows["event_timestamp"], 0, len("2021-04-29T19:28:30")),
        "received_at": pc.utf8_slice_codeunits(rows["received_at"], 0, len("2021-04-29T19:28:30.456")),
    }
    for name, column in written.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    out = io.BytesIO()
    pyarrow.csv.write_csv(rows, out, pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    return out.getvalue()
