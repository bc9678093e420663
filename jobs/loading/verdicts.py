"""Converts status messages with Arrow, many at once: from JSON to rows, and to the CSV that `load` sends. Pure."""

import io
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json

from include import names
from jobs.loading import layout
from jobs.loading.layout import ALWAYS, FILLED, RAW_COLUMNS, Layout

_REASON: Final = "^[a-z][a-z0-9_]*$"
_BASE64: Final = "^[A-Za-z0-9+/]*={0,2}$"


class NotAVerdictError(ValueError):
    """At least one of the messages is not a verdict."""


def parse(messages: pa.RecordBatch) -> pa.Table:
    """Parses status messages of one partition (partition int32, offset int64, value binary ending in a newline).

    Returns the columns of the layout and RAW_COLUMNS; times are text as sent. Raises NotAVerdictError.
    """
    try:
        return _parse(messages, layout.current())
    except pa.ArrowInvalid as error:
        raise NotAVerdictError(str(error)) from error


def _parse(messages: pa.RecordBatch, ours: Layout) -> pa.Table:
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
        parse_options=pyarrow.json.ParseOptions(explicit_schema=ours.schema, unexpected_field_behavior="error"),
    )
    if table.num_rows != messages.num_rows:
        raise NotAVerdictError("not exactly one object per message")
    origin = table["origin"].combine_chunks()
    for name in ("kafka_partition", "kafka_offset"):
        table = table.append_column(name, pc.struct_field(origin, name))
    for name in ours.versioned:  # a verdict by the first version does not say it
        table = table.set_column(table.schema.get_field_index(name), name, pc.fill_null(table[name], 1))
    table = table.select([*ours.columns, *RAW_COLUMNS])
    _check(table, messages["partition"], ours)
    return table


def _check(table: pa.Table, partition: pa.Array, ours: Layout) -> None:
    is_bad = pc.equal(table["status"], names.BAD)
    if any(table[name].null_count for name in ALWAYS):
        raise NotAVerdictError(f"one of {', '.join(ALWAYS)} is missing or null")
    if not pc.all(pc.is_in(table["status"], pa.array(names.STATUSES))).as_py():
        raise NotAVerdictError("unknown status")
    if not pc.all(pc.equal(table["kafka_partition"], partition)).as_py():
        raise NotAVerdictError("the origin names another partition")
    needed = [field.name for field in ours.contract.fields if not field.is_nullable]
    if any(pc.any(pc.and_not(pc.is_null(table[name]), is_bad)).as_py() for name in needed):
        raise NotAVerdictError("a field is null, but the log is not bad")


def check_values(rows: pa.Table) -> None:
    """Checks that the tables store every value unchanged, as all of `classify`'s values. Raises NotAVerdictError.

    This costs as much as parsing, so it is called only if MySQL has refused some.
    """
    ours = layout.current()
    for field in ours.contract.of_type("text", "ip"):
        _all(
            pc.less_equal(pc.utf8_length(rows[field.name]), field.most),
            f"{field.name} has more than {field.most} characters",
        )
    for name, pattern in ours.times.items():
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
    """CSV without a header: text in double quotes, doubled inside the text; null is empty; times have no Z.

    See `Layout.loading` for what MySQL makes of the cells.
    """
    reasons = rows["reasons"].combine_chunks()
    listed = pc.binary_join_element_wise('["', pc.binary_join(reasons, '","'), '"]', "")
    text = pc.if_else(pc.equal(pc.list_value_length(reasons), 0), "[]", listed)
    written = {"reasons": text, **_cells(rows)}
    for name, column in written.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    out = io.BytesIO()
    pyarrow.csv.write_csv(rows, out, pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    return out.getvalue()


def _cells(rows: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The columns that are written in another form than they have, by name."""
    ours = layout.current()
    found = {name: _without_zone(rows[name]) for name in ours.times}
    found |= {field.name: pc.cast(rows[field.name], pa.int8()) for field in ours.contract.of_type("boolean")}
    for field in ours.contract.fields:
        if field.may_be_empty:
            found[field.name] = pc.binary_join_element_wise(FILLED, rows[field.name], "")
    return found


def _without_zone(times: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_slice_codeunits(times, 0, -1)
