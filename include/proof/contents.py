"""What a verdict, a row and a document say of a log, as one text, so that checksums of it can be compared. Pure.

The text is that of the status message, as jobs/java/logsieve/JudgeLog.java writes it. The indexer makes it the
document, and MySQL can put it together from a row (`row_text`): where the bytes are the same, a hop says what the
verdict says. Where they are not, `differing` names the fields; there may be none, as a text can be escaped in two ways.
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
"""What a bad log has after NAMES."""
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
"""A verdict as classify writes it: status, partition and offset are its groups. Not of one with an escape by number,
which can be written in two ways."""


def read_verdict(key: bytes | None, value: bytes | None) -> tuple[str, int, int, int] | None:
    """Status, partition, offset and checksum of a status message; None of one that is no verdict of its key's log."""
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
    """The record of a status message; None of one that is no verdict of its key's log, such as a stranger's."""
    try:
        record = json.loads(value or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("status") not in STATUSES or not is_of(record, key):
        return None
    names = {*NAMES, *RAW_NAMES}
    return record if record.keys() <= names and all(record.get(name) is not None for name in _ALWAYS) else None


def is_of(record: Mapping[str, Any], key: bytes | str | None) -> bool:
    """Whether the record's own origin is the one that the key says, of a status message or of a document."""
    origin = record.get("origin")
    if not isinstance(origin, dict) or not all(type(origin.get(name)) is int for name in ORIGIN):
        return False
    text = origin_key(*(origin[name] for name in ORIGIN))
    return text == (key.decode(errors="replace") if isinstance(key, bytes) else key)


def document_text(record: Mapping[str, Any]) -> bytes:
    """The record with its fields in the order of a status message; Logstash writes them in any. Empty: it has none."""
    ordered = {name: record[name] for name in (*NAMES, *RAW_NAMES) if name in record}
    origin = record.get("origin")
    if isinstance(origin, dict) and len(origin) == len(ORIGIN) and all(name in origin for name in ORIGIN):
        ordered["origin"] = {name: origin[name] for name in ORIGIN}
    return as_it_is(ordered if len(ordered) == len(record) else record)


def as_it_is(record: Mapping[str, Any]) -> bytes:
    """The record with its fields in the order in which it has them. Empty: it has no text."""
    try:
        return orjson.dumps(record)
    except TypeError:  # a number of more than 64 bits, half a surrogate pair: no verdict has them
        return b""


def row_text(status: str) -> str:
    """The SQL expression that makes the text of a row of that status's table."""
    made = {name: f"IFNULL(JSON_QUOTE({name}), 'null')" for name in TEXT_FIELDS} | {
        "account_id": "IFNULL(account_id, 'null')",
        "event_timestamp": """IFNULL(CONCAT('"', REPLACE(event_timestamp, ' ', 'T'), 'Z"'), 'null')""",
        "status": """CONCAT('"', status, '"')""",
        # MySQL writes a space behind each comma.
        "reasons": """REPLACE(reasons, '", "', '","')""",
        "origin": """CONCAT('{"kafka_partition":', kafka_partition, ',"kafka_offset":', kafka_offset, '}')""",
        "received_at": """CONCAT('"', REPLACE(received_at, ' ', 'T'), 'Z"')""",
        "users_version": "users_version",
        "revision": "revision",
        # TO_BASE64 breaks its lines.
        "raw": r"""IFNULL(CONCAT('"', REPLACE(TO_BASE64(raw), CHAR(10), ''), '"'), 'null')""",
        "raw_size": "IFNULL(raw_size, 'null')",
    }
    names = (*NAMES, *RAW_NAMES) if status == BAD else NAMES
    parts = [f"""'{"," if place else "{"}"{name}":', {made[name]}""" for place, name in enumerate(names)]
    return f"CONCAT({', '.join(parts)}, '}}')"


def differing(verdict: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """The fields of which a row or a document says something else than the verdict, or nothing, or that only it has."""
    return [name for name in {**verdict, **held} if _plain(verdict, name) != _plain(held, name)]


def _plain(record: Mapping[str, Any], name: str) -> str:
    """1 is not 1.0, nor true; null is not nothing."""
    return json.dumps(record[name], sort_keys=True) if name in record else ""
