"""The content of a verdict, a row or a document as one text, so that checksums can be compared. Pure.

The text is the status message as jobs/java/logsieve/JudgeLog.java writes it. The indexer stores it as the document, and
MySQL can build it from a row (`row_text`). If the bytes are equal, the hop matches the verdict. If not, `differing`
names the fields; it may name none, since a text can be escaped in two ways.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

import orjson

from include.names import BAD, FIELDS, STATUSES, TEXT_FIELDS, origin_key

NAMES: Final = (*FIELDS, "status", "reasons", "origin", "received_at", "users_version", "revision")
RAW_NAMES: Final = ("raw", "raw_size")
"""Further fields of a bad log, after NAMES."""
ORIGIN: Final = ("kafka_partition", "kafka_offset")
_ALWAYS: Final = ("reasons", "origin", "received_at", "users_version", "revision")

_PIECE: Final = r'[^"\\\x00-\x1f]*'
_TEXT: Final = rf'(?:null|"{_PIECE}(?:\\["\\bfnrt]{_PIECE})*")'
_NUMBER: Final = r"(?:null|-?\d+)"
_FORMS: Final = dict.fromkeys(FIELDS, _TEXT) | {
    "account_id": _NUMBER,
    "status": '"(good|bad|suspicious)"',
    "reasons": r'\[(?:"\w+"(?:,"\w+")*)?\]',
    "origin": r'\{"kafka_partition":(0|[1-9]\d*),"kafka_offset":(0|[1-9]\d*)\}',
    "received_at": '"[0-9TZ:.-]+"',
    "users_version": r"\d+",
    "revision": r"\d+",
    "raw": '(?:null|"[A-Za-z0-9+/=]*")',
    "raw_size": _NUMBER,
}
_PLAIN: Final = re.compile(
    (
        r"\{"
        + ",".join(f'"{name}":{_FORMS[name]}' for name in NAMES)
        + "(?:"
        + "".join(f',"{name}":{_FORMS[name]}' for name in RAW_NAMES)
        + r")?\}"
    ).encode()
)
"""Matches a verdict as classify writes it; the groups are status, partition and offset. It does not match numeric
escapes (`\\u…`), which can be written in two ways."""


def read_verdict(key: bytes | None, value: bytes | None) -> tuple[str, int, int, int] | None:
    """Returns status, partition, offset and checksum of a status message; None if it is no verdict on its key's log."""
    value = value or b""
    if plain := _PLAIN.fullmatch(value):
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
    names = {*NAMES, *RAW_NAMES}
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
    ordered = {name: record[name] for name in (*NAMES, *RAW_NAMES) if name in record}
    origin = record.get("origin")
    if isinstance(origin, dict) and len(origin) == len(ORIGIN) and all(name in origin for name in ORIGIN):
        ordered["origin"] = {name: origin[name] for name in ORIGIN}
    return as_it_is(ordered if len(ordered) == len(record) else record)


def as_it_is(record: Mapping[str, Any]) -> bytes:
    """Returns the record as text, with fields in their current order; empty if no verdict can have its values."""
    try:
        return orjson.dumps(record)
    except TypeError:  # a number of more than 64 bits or a lone surrogate: no verdict has them
        return b""


def row_text(status: str) -> str:
    """Returns the SQL expression that builds the text of a row in the table of this status."""
    made = {name: f"IFNULL(JSON_QUOTE({name}), 'null')" for name in TEXT_FIELDS} | {
        "account_id": "IFNULL(account_id, 'null')",
        "event_timestamp": """IFNULL(CONCAT('"', REPLACE(event_timestamp, ' ', 'T'), 'Z"'), 'null')""",
        "status": """CONCAT('"', status, '"')""",
        # MySQL writes a space after each comma.
        "reasons": """REPLACE(reasons, '", "', '","')""",
        "origin": """CONCAT('{"kafka_partition":', kafka_partition, ',"kafka_offset":', kafka_offset, '}')""",
        "received_at": """CONCAT('"', REPLACE(received_at, ' ', 'T'), 'Z"')""",
        "users_version": "users_version",
        "revision": "revision",
        # TO_BASE64 inserts line breaks.
        "raw": r"""IFNULL(CONCAT('"', REPLACE(TO_BASE64(raw), CHAR(10), ''), '"'), 'null')""",
        "raw_size": "IFNULL(raw_size, 'null')",
    }
    names = (*NAMES, *RAW_NAMES) if status == BAD else NAMES
    parts = [f"""'{"," if place else "{"}"{name}":', {made[name]}""" for place, name in enumerate(names)]
    return f"CONCAT({', '.join(parts)}, '}}')"


def differing(verdict: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """Returns the fields that differ between the verdict and a row or document, or that only one of them has."""
    return [name for name in {**verdict, **held} if _plain(verdict, name) != _plain(held, name)]


def _plain(record: Mapping[str, Any], name: str) -> str:
    """Returns the value as JSON, so that 1, 1.0 and true differ; empty, unlike null, if the field is missing."""
    return json.dumps(record[name], sort_keys=True) if name in record else ""
