"""The result that a chaos run writes for the page of the user's stack."""

import json
from datetime import datetime
from pathlib import Path

from include.stack.chaos.count import Result
from include.stack.chaos.report import KEPT, keep


def test_the_last_result_is_kept_for_the_page(tmp_path: Path) -> None:
    result = Result(1000, 7, sent=990, kills={"kafka": 2, "mysql": 1}, minutes=12.5)
    result.faults = {"MySQL": {"lost": 1, "doubled": 0, "in two tables": 2, "other content": 3}}
    keep(result, tmp_path / "state")
    kept = json.loads((tmp_path / "state" / KEPT).read_text())
    assert datetime.fromisoformat(kept.pop("at")).tzinfo is not None
    assert kept == {"logs": 990, "kills": 3, "seed": 7, "minutes": 12.5, "rows": [["MySQL", 1, 0, 2, 3]]}
