"""The rules in a plain JVM, without Spark: seconds less than a session, so that each contract can have one."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from py4j.java_gateway import JavaGateway
from pyspark.java_gateway import launch_gateway

from include.contract import reading
from include.contract.model import Contract
from include.settings import Settings
from include.stack.fetch import judge_jar, parts
from include.users.shape import BETWEEN, Shape

Users = Mapping[Any, tuple[Any, ...]]
"""The attributes of each key, at any time."""


class Rules:
    """Judges logs by a contract as the stream does: read, look up, judge."""

    def __init__(self, contract: Contract, java: JavaGateway) -> None:
        self._contract, self._java = contract, java.jvm.logsieve
        self._read = self._java.ReadReceivedLog() if contract.needs_received else self._java.ReadLog()

    def verdict(self, value: bytes, received: int, users: Users) -> dict[str, Any]:
        """The status message of a log that was received at this time, in milliseconds since 1970."""
        record = self._read.call(*([value, received] if self._contract.needs_received else [value]))
        key, dimension = None, self._contract.dimension
        if dimension is not None:
            kind = {"int32": "Int32", "int64": "Int64", "text": "OfText"}[self._contract.by_name[dimension.key].type]
            key = getattr(self._java, f"KeyOf${kind}")().call(record)
        periods = f"0000000{BETWEEN.join(map(str, users[key]))}".encode() if key in users else None
        return dict(json.loads(self._java.JudgeLog().call(record, value, periods, 0, 0, received, 1, 0)))


@contextmanager
def of(file: Path) -> Iterator[Rules]:
    """The rules of the contract in the file."""
    settings = Settings(contract=file)
    jars = parts.fetch_jars(settings.parts)
    path = ":".join(map(str, [judge_jar.ensure(settings), *(jars / "spark").glob("re2j-*.jar")]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"--driver-class-path {path} pyspark-shell")
        java = launch_gateway(popen_kwargs={"stderr": subprocess.DEVNULL})
    try:
        yield Rules(reading.load(file), java)
    finally:
        java.shutdown()
        java.proc.stdin.close()
        java.proc.wait(30)


def users_of(contract: Contract, lines: Iterable[str]) -> Users:
    """The accounts of an export without quotes."""
    shape = Shape.of(contract)
    assert shape is not None
    header, *rows = lines
    assert header == shape.header
    found = [shape.read(row.split(",")) for row in rows]
    assert None not in found
    return {row[0]: row[1:] for row in found if row is not None}
