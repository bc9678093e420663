"""The accounts and their exports: what the users dimension is filled from."""

import gzip
import hashlib
import io
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from include.source.accounts import EXAMPLE_ACCOUNT, Accounts, ensure_export, write_export
from include.source.population import NUMBERS, Value
from include.source.shipped import DEVICES
from include.users.export import ExportRefusedError, read_export
from tests.unit.users.shapes import SHIPPED, devices_of

DAY = date(2026, 3, 9)


def days(count: int, first: date = DAY) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def test_the_same_seed_gives_the_same_accounts():
    assert devices_of(Accounts(7, 500), DAY) == devices_of(Accounts(7, 500), DAY)
    assert not set(devices_of(Accounts(7, 500), DAY)) & set(devices_of(Accounts(8, 500), DAY)) - {EXAMPLE_ACCOUNT}


def test_a_day_is_the_same_in_every_process_and_version():
    """Exports that were handed over in other years have to be made again alike."""
    text = "".join(f"{number},{device}\n" for number, device in devices_of(Accounts(7, 500), DAY).items())

    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "8eddd1f663bd57e9"


def test_a_day_is_the_same_whatever_was_asked_before():
    accounts = Accounts(7, 500)
    backwards = {day: devices_of(accounts, day) for day in reversed(days(20))}

    assert backwards == {day: devices_of(Accounts(7, 500), day) for day in days(20)}


@pytest.mark.parametrize("day", [date(1970, 1, 1), DAY, date(9999, 12, 31)])
@pytest.mark.parametrize("seed", [-1, 0, 7, 2**70])
def test_accounts_are_as_many_as_asked_and_fit_the_column(day: date, seed: int):
    devices = devices_of(Accounts(seed, 5000), day)

    assert len(devices) == 5000
    assert EXAMPLE_ACCOUNT in devices
    assert all(number in NUMBERS for number in devices)
    assert set(devices.values()) == set(DEVICES)


def test_every_day_some_accounts_join_leave_and_change_devices():
    history = [devices_of(Accounts(7, 20_000), day) for day in days(60)]

    for before, after in pairwise(history):
        changed = sum(after[number] != before[number] for number in before.keys() & after.keys())
        assert 5 <= len(after.keys() - before.keys()) == len(before.keys() - after.keys()) <= 45, "near 20, 0.1 %"
        assert 25 <= changed <= 100, "near 60, 0.3 %"


def test_who_left_is_not_seen_again():
    seen, present, gone = set[int](), set[int](), set[int]()
    for day in days(3000)[::30]:
        before, present = present, set(devices_of(Accounts(7, 100), day))
        gone |= before - present
        seen |= present
        assert not gone & present
    assert len(gone) == len(seen) - 100 > 200, "each of the 100 has been followed about three times"


def test_the_example_account_changes_devices_too():
    used = [devices_of(Accounts(7, 10), day)[EXAMPLE_ACCOUNT] for day in days(4000)]

    assert 8 <= sum(before != after for before, after in pairwise(used)) <= 20


def test_an_export_has_every_account_once_and_reads_back(tmp_path: Path):
    accounts = Accounts(7, 300)

    file = write_export(tmp_path, DAY, accounts)

    assert file == tmp_path / "ds=2026-03-09" / "accounts.csv"
    assert file.read_text(encoding="utf-8").startswith("account_no,user_device\n")
    with file.open("rb") as export:
        read = list(read_export(export, str(file), SHIPPED))
    assert {number: device for number, device, _ in read} == devices_of(accounts, DAY)
    assert [line for _, _, line in read] == list(range(2, 302))
    assert list(file.parent.iterdir()) == [file], "no unfinished file is left beside it"


def test_an_export_that_fails_half_way_is_not_seen(tmp_path: Path):
    class BreaksHalfWay(Accounts):
        def on(self, day: date) -> dict[Value, tuple[Value, ...]]:
            return {1: ("IOS",), 2: ("a lone surrogate \ud800 is no UTF-8",)}

    with pytest.raises(UnicodeEncodeError):
        write_export(tmp_path, DAY, BreaksHalfWay(7, 2))

    assert not (tmp_path / "ds=2026-03-09" / "accounts.csv").exists()


def test_an_export_that_is_there_is_not_changed(tmp_path: Path):
    first = ensure_export(tmp_path, DAY, Accounts(7, 20))
    before = first.read_bytes()

    assert ensure_export(str(tmp_path), DAY, Accounts(8, 20)) == first
    assert first.read_bytes() == before


def test_an_export_of_another_system_reads_as_csv():
    text = 'account_no,user_device\r\n-1,"a ""b"", c"\r\n007,Zürich \r\n'

    assert list(read_export(io.BytesIO(text.encode()), "it", SHIPPED)) == [(-1, 'a "b", c', 2), (7, "Zürich ", 3)]


HEADER = b"account_no,user_device\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n\n", b"\r\n\r\n"])
def test_empty_lines_at_the_end_are_nothing(end: bytes):
    assert list(read_export(io.BytesIO(HEADER + b"1,IOS" + end), "it", SHIPPED)) == [(1, "IOS", 2)]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_file_cut_anywhere_is_refused_or_ends_with_a_whole_line(line_end: bytes):
    whole = line_end.join([b"account_no,user_device", b"1,IOS", b'2,"ANDROID"', "3,Zürich".encode(), b"4,LINUX", b""])
    accounts = list(read_export(io.BytesIO(whole), "it", SHIPPED))
    for length in range(len(whole)):
        cut = whole[:length]
        if length > len(HEADER) + 2 and cut.endswith(b"\n"):
            assert list(read_export(io.BytesIO(cut), "it", SHIPPED)) == accounts[: cut.count(b"\n") - 1]
        else:
            with pytest.raises(ExportRefusedError, match=r"no line end.*rename|no accounts|header is ''"):
                list(read_export(io.BytesIO(cut), "it", SHIPPED))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "line 1: the header is ''"),
        (b"account,device\n1,IOS\n", "line 1: the header is"),
        (b"\xef\xbb\xbf" + HEADER + b"1,IOS\n", "line 1: the header is UTF-8 with a byte order mark"),
        ((HEADER + b"1,IOS\n").decode().encode("utf-16"), "line 1: not CSV in UTF-8"),
        ((HEADER + b"1,IOS\n").decode().encode("utf-16-le"), "line 1: the header is"),
        (gzip.compress(HEADER + b"1,IOS\n", mtime=0), "line 1: "),
        (b"account_no;user_device\n1;IOS\n", "line 1: the header is"),
        (HEADER + b"1;IOS\n", "line 2"),
        (HEADER + b"1\tIOS\n", "line 2"),
        (b"user_device,account_no\nIOS,1\n", "line 1: the header is"),
        (HEADER + b"IOS,1\n", "line 2"),
        (HEADER + b"1,IOS\n" + HEADER + b"2,IOS\n", "line 3"),
        (HEADER + b'" 1","IOS"\n', "line 2"),
        (HEADER, "no accounts"),
        (HEADER + b"abc,IOS\n", "line 2"),
        (HEADER + b"1.0,IOS\n", "line 2"),
        (HEADER + b"1_0,IOS\n", "line 2"),
        (HEADER + b"\xd9\xa3,IOS\n", "line 2"),
        (HEADER + b"1\n", "line 2"),
        (HEADER + b"2147483648,IOS\n", "line 2"),
        (HEADER + b"1,\n", "line 2"),
        (HEADER + b"1,IOS\n2," + b"x" * 65 + b"\n", "line 3"),
        (HEADER + b"1,IOS,LINUX\n", "line 2"),
        (HEADER + b"1,IOS\n\n\n2,IOS\n", "line 3"),
        (HEADER + b"1,IOS\n  \n", "line 3"),
        (HEADER + b"1,IOS\n2,\xff\n", "line 3: not CSV in UTF-8"),
        (HEADER + b'1,IOS\n2,"IOS"x\n', "line 3: not CSV in UTF-8"),
        (HEADER + b'1,IOS\n2,"IOS\n3,IOS\n', "line 4: not CSV in UTF-8"),
    ],
)
def test_a_broken_export_is_refused_with_its_name_and_line(content: bytes, complaint: str):
    with pytest.raises(ExportRefusedError, match=f"the_export.*{complaint}.* (Fix|Write) the"):
        list(read_export(io.BytesIO(content), "the_export", SHIPPED))


def test_an_export_is_read_a_line_at_a_time_and_what_has_no_lines_not_at_all():
    export = io.BytesIO(HEADER + b"1,IOS\n" + b"x" * 10_000_000)
    rows = read_export(export, "it", SHIPPED)

    assert next(rows) == (1, "IOS", 2)
    assert export.tell() < 100
    with pytest.raises(ExportRefusedError, match="line 3"):
        next(rows)
    assert export.tell() < 200_000
