"""The three tables of verdicts, as a contract has them. Pure.

They are divided into slices, which are ranges of origins that are dropped when they expire.
include/retention/slices.py cuts them ahead of the logs.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from include.contract.model import Contract, Field
from include.names import BAD, LOGS_DATABASE, STATUSES, TABLES

_TYPES: Final = {
    "int32": "INT",
    "int64": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "seconds": "DATETIME",
    "milliseconds": "DATETIME(3)",
    "iso8601": "DATETIME(3)",
}
_AFTER: Final = (
    "reasons JSON NOT NULL",
    "received_at DATETIME(3) NOT NULL COMMENT 'UTC, the Kafka timestamp of the log'",
    "kafka_partition INT NOT NULL",
    "kafka_offset BIGINT NOT NULL",
    "users_version INT NOT NULL COMMENT 'of the users history that it was judged with'",
    "revision INT NOT NULL COMMENT '0 as the stream judged it; each correction adds one'",
)
_RAW: Final = (
    "raw MEDIUMBLOB COMMENT 'null: a message without a value (tombstone)'",
    "raw_size INT COMMENT 'bytes'",
)
_SLICES: Final = (
    "PARTITION BY RANGE COLUMNS (kafka_partition, kafka_offset) (PARTITION rest VALUES LESS THAN (MAXVALUE, MAXVALUE))"
)


VERSION: Final = "contract_version"
VERSION_COLUMN: Final = f"{VERSION} INT NOT NULL DEFAULT 1 COMMENT 'of the contract that it was judged by'"
"""Of a contract's second version; the tables of the first have no such column."""


def quoted(name: str) -> str:
    """A field's name in SQL: it may be one of MySQL's own words."""
    return f"`{name}`"


def column_type(field: Field) -> str:
    """The type of the field's column."""
    return _TYPES.get(field.form) or f"VARCHAR({field.most})"


def statements(contract: Contract) -> str:
    """Statements that create what does not exist: the database, and a table for each status. For all versions."""
    contract = contract.of_all_versions
    database = f"CREATE DATABASE IF NOT EXISTS {LOGS_DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"
    return database + "".join(f"{create(contract, status)};\n" for status in STATUSES)


def create(contract: Contract, status: str) -> str:
    """The statement that creates the table of a status. The primary key is the origin: no log is in it twice."""
    lines = [*_columns(contract, status)]
    lines += ["PRIMARY KEY (kafka_partition, kafka_offset)", f"KEY received_at ({_key(contract, status)})"]
    body = ",\n  ".join(lines)
    return f"CREATE TABLE IF NOT EXISTS {LOGS_DATABASE}.{TABLES[status]} (\n  {body}\n)\n{_SLICES}"


def columns(contract: Contract, status: str) -> dict[str, str]:
    """The columns of the table of a status, with their types, in order. For all versions."""
    return types(_columns(contract.of_all_versions, status))


def types(columns: Iterable[str]) -> dict[str, str]:
    """The name and the type of each column as CREATE TABLE defines it."""
    found = (each.split(maxsplit=2) for each in columns)
    return {name.strip("`"): kind for name, kind, *_ in found}


def column(field: Field, status: str) -> str:
    """The column of the field in the table of a status, as CREATE TABLE and ALTER TABLE define it."""
    made = f"{quoted(field.name)} {column_type(field)}"
    made += "" if status == BAD or field.is_nullable else " NOT NULL"
    return made + (" COMMENT 'UTC'" if field.type == "timestamp" else "")


def _columns(contract: Contract, status: str) -> Iterator[str]:
    yield from (column(field, status) for field in contract.fields)
    yield f"status ENUM('{status}') NOT NULL"
    yield from _AFTER
    yield from [VERSION_COLUMN] if contract.version > 1 else ()
    yield from _RAW if status == BAD else ()


def _key(contract: Contract, status: str) -> str:
    if status == BAD:
        return "received_at"
    # One index for both times: a second one would slow down loading by a quarter. Queries by event time scan this one.
    time = (quoted(contract.roles.time),) if contract.roles.time else ()
    return ", ".join(("received_at", "kafka_partition", "kafka_offset", *time))
