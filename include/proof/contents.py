"""The content of a verdict, a row or a document as one text, so that checksums can be compared.

The text is the status message as jobs/java/logsieve/JudgeLog.java writes it. The indexer stores it as the document, and
MySQL can build it from a row (`row_text`). If the bytes are equal, the hop matches the verdict. If not, `differing`
names the fields; it may name none, since a text can be escaped in two ways.
"""

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, NamedTuple
from zlib import crc32

import orjson

from include.contract import reading
from include.contract.model import Contract, Stored
from include.contract.tables import VERSION
from include.names import BAD, STATUSES, origin_key
from include.proof import forms

_AFTER: Final = ("status", "reasons", "origin", "received_at", "users_version", "revision")
RAW_NAMES: Final = ("raw", "raw_size")
"""Further members of a bad log's status message, after all others."""
ORIGIN: Final = ("kafka_partition", "kafka_offset")
_ALWAYS: Final = ("reasons", "origin", "received_at", "users_version", "revision")

_FORMS: Final = {
    "status": '"(good|bad|suspicious)"',
    "reasons": r'\[(?:"\w+"(?:,"\w+")*)?\]',
    "origin": r'\{"kafka_partition":(0|[1-9]\d*),"kafka_offset":(0|[1-9]\d*)\}',
    "received_at": '"[0-9TZ:.-]+"',
    "users_version": r"\d+",
    "revision": r"\d+",
    "raw": '(?:null|"[A-Za-z0-9+/=]*")',
    "raw_size": forms.INTEGER,
}
_MADE: Final = {
    "status": """CONCAT('"', status, '"')""",
    # MySQL writes a space after each comma.
    "reasons": """REPLACE(reasons, '", "', '","')""",
    "origin": """CONCAT('{"kafka_partition":', kafka_partition, ',"kafka_offset":', kafka_offset, '}')""",
    "received_at": """CONCAT('"', REPLACE(received_at, ' ', 'T'), 'Z"')""",
    "users_version": "users_version",
    "revision": "revision",
    VERSION: VERSION,
    # TO_BASE64 inserts line breaks.
    "raw": r"""IFNULL(CONCAT('"', REPLACE(TO_BASE64(raw), CHAR(10), ''), '"'), 'null')""",
    "raw_size": "IFNULL(raw_size, 'null')",
}


class _Shape(NamedTuple):
    """What a status message of a contract looks like."""

    contract: Contract
    names: tuple[str, ...]
    """Its members in all versions, those of the present one in its order, without those of RAW_NAMES."""
    plain: re.Pattern[bytes]
    """Matches a verdict as classify writes it by the present version; the groups are status, partition and offset. It
    does not match numeric escapes (`\\u…`), which can be written in two ways."""
    numbers: tuple[str, ...]
    """The members that are numbers with a fraction."""
    made: dict[str, str]
    """The SQL expression for each member."""

    @classmethod
    def of(cls, contract: Contract) -> "_Shape":
        after = (*_AFTER, VERSION) if contract.version > 1 else _AFTER
        every = contract.of_all_versions
        patterns = _FORMS | {field.name: forms.pattern(field) for field in contract.fields}
        patterns[VERSION] = str(contract.version)
        names = (*contract.names, *after)
        raw = "".join(f',"{name}":{patterns[name]}' for name in RAW_NAMES)
        plain = r"\{" + ",".join(f'"{name}":{patterns[name]}' for name in names) + f"(?:{raw})?" + r"\}"
        return cls(
            contract,
            (*every.names, *after),
            re.compile(plain.encode()),
            tuple(field.name for field in every.of_type("number")),
            _MADE | {field.name: forms.from_column(field) for field in every.fields},
        )


_shapes: list[_Shape] = []
"""That of the current contract."""


def _shape() -> _Shape:
    contract = reading.current()
    if not _shapes or _shapes[0].contract is not contract:
        _shapes[:] = [_Shape.of(contract)]
    return _shapes[0]


def read_verdict(key: bytes | None, value: bytes | None) -> tuple[str, int, int, int] | None:
    """Returns status, partition, offset and checksum of a status message; None if it is no verdict on its key's log."""
    value = value or b""
    if plain := _shape().plain.fullmatch(value):
        status, partition, offset = plain.groups()
        return (
            (status.decode(), int(partition), int(offset), crc32(value)) if key == partition + b"-" + offset else None
        )
    record = verdict_record(key, value)
    if record is None:
        return None
    origin = record["origin"]
    return record["status"], origin["kafka_partition"], origin["kafka_offset"], crc32(document_text(record))


def verdict_record(key: bytes | None, value: bytes | None) -> dict[str, Any] | None:
    """Returns the record of a status message; None if it is not a verdict on its key's log."""
    try:
        record = json.loads(value or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("status") not in STATUSES or not is_of(record, key):
        return None
    names = {*_shape().names, *RAW_NAMES}
    return record if record.keys() <= names and all(record.get(name) is not None for name in _ALWAYS) else None


def is_of(record: Mapping[str, Any], key: bytes | str | None) -> bool:
    """Whether the origin in the record of a status message or a document equals its key."""
    origin = record.get("origin")
    if not isinstance(origin, dict) or not all(type(origin.get(name)) is int for name in ORIGIN):
        return False
    text = origin_key(*(origin[name] for name in ORIGIN))
    return text == (key.decode(errors="replace") if isinstance(key, bytes) else key)


def document_text(record: Mapping[str, Any]) -> bytes:
    """Returns the record as text in the status message's order of fields, which Logstash changes; see `as_it_is`."""
    ordered = {name: record[name] for name in (*_shape().names, *RAW_NAMES) if name in record}
    origin = record.get("origin")
    if isinstance(origin, dict) and len(origin) == len(ORIGIN) and all(name in origin for name in ORIGIN):
        ordered["origin"] = {name: origin[name] for name in ORIGIN}
    return as_it_is(ordered if len(ordered) == len(record) else record)


def as_it_is(record: Mapping[str, Any]) -> bytes:
    """Returns the record as text, with fields in their current order; empty if no verdict can have its values."""
    if numbers := _shape().numbers:
        written = {
            name: orjson.Fragment(forms.number_text(value))
            for name in numbers
            if isinstance(value := record.get(name), float) and isfinite(value)
        }
        record = {**record, **written}
    try:
        return orjson.dumps(record)
    except TypeError:  # a number of more than 64 bits or a lone surrogate: no verdict has them
        return b""


def row_text(status: str) -> str:
    """Returns the SQL expression that builds the text of a row in the table of this status."""
    shape = _shape()
    names = (*shape.names, *RAW_NAMES) if status == BAD else shape.names
    if shape.contract.version == 1:
        parts = [f"""'{"," if place else "{"}"{name}":', {shape.made[name]}""" for place, name in enumerate(names)]
        return f"CONCAT({', '.join(parts)}, '}}')"
    # Not each member is first, or in each version.
    within = {each.field.name: _versions(each) for each in shape.contract.stored} | {VERSION: f"{VERSION} > 1"}
    members = [f"""CONCAT(',"{name}":', {shape.made[name]})""" for name in names]
    parts = [
        f"IF({condition}, {member}, '')" if (condition := within.get(name)) else member
        for name, member in zip(names, members, strict=True)
    ]
    return f"CONCAT('{{', SUBSTRING(CONCAT({', '.join(parts)}), 2), '}}')"


def _versions(stored: Stored) -> str:
    """The condition that the verdict of a row has the field, in SQL; empty: each one has."""
    since = [f"{VERSION} >= {stored.since}"] if stored.since > 1 else []
    until = [f"{VERSION} < {stored.until}"] if stored.until else []
    return " AND ".join(since + until)


def differing(verdict: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """Returns the fields that differ between the verdict and a row or document, or that only one of them has."""
    return [name for name in {**verdict, **held} if _plain(verdict, name) != _plain(held, name)]


def _plain(record: Mapping[str, Any], name: str) -> str:
    """Returns the value as JSON, so that 1, 1.0 and true differ; empty, unlike null, if the field is missing."""
    return json.dumps(record[name], sort_keys=True) if name in record else ""
