"""Examples of bad logs in an alert: one readable line, whatever the bytes are."""

import pytest

from include.watch.bad_logs import MOST_CHARACTERS, Reason, readable


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b'{"device": "iOS"}', '{"device": "iOS"}'),
        ("Zürich 😀".encode(), "Zürich 😀"),
        (b"a\nb\r\tc\x00\x1b[31m", r"a\nb\r\tc\x00\x1b[31m"),
        ("right\u202eleft\u2028".encode(), r"right\u202eleft\u2028"),
        (b"\xff\xfe", r"\xff\xfe"),
        (bytearray(b"as MySQL gives it"), "as MySQL gives it"),
        (b"", ""),
        (None, "(no value)"),
    ],
    ids=ascii,
)
def test_an_example_is_one_readable_line(raw: bytes | None, line: str):
    assert readable(raw) == line


@pytest.mark.parametrize("char", ["a", "😀", "\x00"])
def test_a_long_example_is_cut_and_says_so(char: str):
    line = readable((char * 1000).encode())
    assert len(line) == MOST_CHARACTERS
    assert line.endswith("…")
    assert readable(b"a" * MOST_CHARACTERS) == "a" * MOST_CHARACTERS


def test_a_reason_names_the_origin_of_its_example():
    assert str(Reason("missing_device", 1234, "0-77", "{}")) == "missing_device: 1,234, for example 0-77: {}"
