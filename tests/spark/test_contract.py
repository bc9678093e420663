"""Examples in docs/contract.md and README get the stated verdicts, and the contract names every reason and table."""

import json
import re
from pathlib import Path

import pytest

from include import names
from include.contract import reading, reasons
from include.settings import ROOT
from include.source import shipped
from tests.spark.conftest import Judge

CONTRACT = ROOT / "docs" / "contract.md"
README = ROOT / "README.md"
ENDINGS = ("missing", "null", "invalid", "empty", "too_long")


def examples(page: Path) -> list[str]:
    """The page's JSON blocks: logs and verdicts alternate."""
    return re.findall(r"```json\n(.*?)\n```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(("page", "count"), [(CONTRACT, 3), (README, 1)], ids=["contract", "README"])
def test_examples_get_the_verdicts_stated_on_the_page(judge: Judge, page: Path, count: int) -> None:
    found = examples(page)
    logs, verdicts = found[::2], found[1::2]
    assert len(logs) == len(verdicts) == count
    judged = judge([log.encode() for log in logs])
    assert [json.dumps(verdict) for verdict in judged] == [json.dumps(json.loads(verdict)) for verdict in verdicts]


def test_every_reason_is_in_the_contract() -> None:
    text = CONTRACT.read_text(encoding="utf-8")
    for reason in reasons.every(reading.current()):
        ending = next((ending for ending in ENDINGS if reason.startswith(f"{ending}_")), None)
        assert f"`{ending}_…`" in text if ending else f"`{reason}`" in text, reason
    for name in (*shipped.FIELDS, *names.TABLES.values(), names.JUDGED, names.REJUDGED, names.LOGS_TOPIC):
        assert f"`{name}`" in text, name
