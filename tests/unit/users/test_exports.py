"""What `./logsieve exports` writes, keeps and refuses."""

from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from include.settings import Settings
from include.source.accounts import Accounts
from include.stack.commands.generate import backfill
from include.stack.commands.generate import write_exports as write
from include.stack.errors import StackError
from include.users.export import export_file, read_export
from tests.unit.users.shapes import SHIPPED, devices_of

FIRST, LAST = date(2026, 9, 29), date(2026, 10, 2)
DAYS = ["ds=2026-09-29", "ds=2026-09-30", "ds=2026-10-01", "ds=2026-10-02"]


def written(folder: str | Path, first: date = FIRST, last: date = LAST, *, force: bool = False) -> tuple[int, int]:
    settings = Settings(accounts_path=str(folder), accounts=200, seed=7)
    return write(settings, Console(quiet=True), first, last, force=force)


def test_each_day_of_the_range_is_written(tmp_path: Path):
    assert written(tmp_path) == (4, 0)

    assert sorted(day.name for day in tmp_path.iterdir()) == DAYS
    for day in (FIRST, LAST):
        with export_file(tmp_path, day).open("rb") as export:
            found = {number: device for number, device, _ in read_export(export, "it", SHIPPED)}
        assert found == devices_of(Accounts(7, 200), day)


def test_one_day_is_a_range_too(tmp_path: Path):
    assert written(tmp_path, LAST, LAST) == (1, 0)


def test_existing_exports_are_kept_unless_forced(tmp_path: Path):
    file = export_file(tmp_path, FIRST)
    file.parent.mkdir()
    file.write_text("handed over by somebody")

    assert written(tmp_path) == (3, 1)
    assert file.read_text() == "handed over by somebody"
    assert written(tmp_path) == (0, 4)

    assert written(tmp_path, force=True) == (4, 0)
    assert file.read_text().startswith("account_no,user_device\n684,")


def test_days_in_the_wrong_order_are_refused(tmp_path: Path):
    with pytest.raises(StackError, match="2026-10-02, is after the last day, 2026-09-29"):
        written(tmp_path, LAST, FIRST)
    assert list(tmp_path.iterdir()) == []


def test_exports_of_another_system_are_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(StackError, match="s3://bucket/accounts"):
        written("s3://bucket/accounts")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named_with_its_day(tmp_path: Path):
    (tmp_path / "accounts").write_text("a file is in the way")

    with pytest.raises(StackError, match="export of 2026-09-29 cannot be written"):
        written(tmp_path / "accounts")


def test_replaced_days_are_loaded_again():
    assert backfill(FIRST, LAST, again=False).endswith("--from-date 2026-09-29 --to-date 2026-10-02")
    assert "--reprocess-behavior completed" in backfill(FIRST, LAST, again=True)
