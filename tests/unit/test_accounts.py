"""The accounts and their exports: what the users dimension is filled from."""

from datetime import date
from pathlib import Path

import pytest

from include.accounts import ACCOUNT_NUMBERS, EXAMPLE_ACCOUNT, Accounts, ensure_export, read_export, write_export

DAY = date(2026, 3, 9)


def test_the_same_seed_gives_the_same_accounts():
    assert Accounts(7, 500).devices_on(DAY) == Accounts(7, 500).devices_on(DAY)
    assert Accounts(7, 500).devices_on(DAY) != Accounts(8, 500).devices_on(DAY)


def test_accounts_are_as_many_as_asked_and_fit_the_column():
    devices = Accounts(7, 5000).devices_on(DAY)

    assert len(devices) == 5000
    assert EXAMPLE_ACCOUNT in devices
    assert all(0 < number < 2**31 and number in ACCOUNT_NUMBERS for number in devices)


def test_an_export_has_every_account_once_and_reads_back(tmp_path: Path):
    accounts = Accounts(7, 300)

    file = write_export(tmp_path, DAY, accounts)

    assert file == tmp_path / "ds=2026-03-09" / "accounts.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        assert next(lines) == "account_no,user_device\n"
        lines.seek(0)
        assert dict(read_export(lines, str(file))) == accounts.devices_on(DAY)
    assert list(file.parent.iterdir()) == [file], "no unfinished file is left beside it"


def test_an_export_that_fails_half_way_is_not_seen(tmp_path: Path):
    class BreaksHalfWay(Accounts):
        def devices_on(self, day: date) -> dict[int, str]:
            return {1: "IOS", 2: "a lone surrogate \ud800 is no UTF-8"}

    with pytest.raises(UnicodeEncodeError):
        write_export(tmp_path, DAY, BreaksHalfWay(7, 2))

    assert not (tmp_path / "ds=2026-03-09" / "accounts.csv").exists()


def test_an_export_that_is_there_is_not_changed(tmp_path: Path):
    first = ensure_export(tmp_path, DAY, Accounts(7, 20))
    before = first.read_bytes()

    assert ensure_export(str(tmp_path), DAY, Accounts(8, 20)) == first
    assert first.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "first line"),
        ("account,device\n1,IOS\n", "first line"),
        ("account_no,user_device\n", "no accounts"),
        ("account_no,user_device\nabc,IOS\n", "line 2"),
        ("account_no,user_device\n1\n", "line 2"),
        ("account_no,user_device\n1,IOS\n1,LINUX\n", "line 3"),
        ("account_no,user_device\n2147483648,IOS\n", "line 2"),
        ("account_no,user_device\n1,\n", "line 2"),
        (f"account_no,user_device\n1,{'x' * 65}\n", "line 2"),
        ("account_no,user_device\n1,IOS,LINUX\n", "line 2"),
    ],
)
def test_a_broken_export_is_refused_with_its_name_and_line(text: str, complaint: str):
    with pytest.raises(ValueError, match=f"the_export.*{complaint}"):
        read_export(text.splitlines(keepends=True), "the_export")
