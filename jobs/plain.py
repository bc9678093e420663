r"""The regular expressions of logs that are read at a glance: plain ones, and flat ones.

A *plain* log is seen to break no rule of form. It is a JSON object that has the six fields, in any order: texts as
strings of 1 to MAX_TEXT characters without an escape, numbers as strings of digits or bare, inside their ranges; beside
them other members, if they are neither objects nor arrays and have no escape. A *flat* log is an object of such
members, whichever they are. Of a name that comes again the last value counts. What is neither may be fine too, and is
looked at carefully (jobs/careful.py). Java's syntax; possessive, so that no text makes it backtrack.
"""

from collections.abc import Callable
from typing import Final

from include import names

SEPARATOR: Final = "\x01"
"""Between the parts of what was read: JSON allows no such character in a string."""

# Not possessive, as Java has a loop of its own for this; nothing that follows can begin with what is given back.
_SPACE: Final = r"[ \t\n\r]*"
# One by one: Java looks a single character up in a table, and compares with each range. The last one stands for bytes
# that are no UTF-8.
_CHARACTER: Final = '[^"\\\\' + "".join(rf"\x{code:02x}" for code in range(32)) + r"\ufffd]"
# Up to 2,139,999,999 and 99,999,999,999: near the ends of their ranges numbers are compared, not matched.
_NUMBERS: Final = {
    "account_id": "-?(?:1[0-9]{9}|20[0-9]{8}|21[0-3][0-9]{7}|[0-9]{1,9}+)",
    "event_timestamp": "[0-9]{1,11}+",
}
_BARE: Final = r"-?(?:0|[1-9][0-9]{0,17}+)(?:\.[0-9]{1,18}+)?+(?![0-9.eE])|true|false|null"
_OTHER_TEXT: Final = rf'{_CHARACTER}{{0,1000}}+"'

_Value = tuple[str, int, str]
"""A field's value as a pattern, how many groups it has, and what is read of them."""


def _of_plain(field: str, group: int) -> _Value:
    if field in _NUMBERS:
        value = rf'(?:(?=")|(?!-?0[0-9]))("?+)({_NUMBERS[field]})\{group}(?![0-9.eE])'
        return value, 2, f"${group + 1}"
    return rf'"({_CHARACTER}{{1,{names.MAX_TEXT}}}+)"', 1, f"${group}"


def _of_flat(_: str, group: int) -> _Value:
    return rf'("?+)((?<="){_CHARACTER}{{0,1000}}+|(?<!")(?:{_BARE}))\{group}', 2, f"${group}${group + 1}"


def _pattern(value_of: Callable[[str, int], _Value], needed: bool) -> tuple[str, str]:
    """The pattern, and what it is replaced by. `needed`: all six fields."""
    members, read, marks, group = [], [], [], 1
    for field in names.FIELDS:
        value, groups, found = value_of(field, group)
        # A group of nothing, to which a reference matches only where the field was there.
        members.append(rf'{field}"{_SPACE}:{_SPACE}{value}()')
        marks.append(rf"\{group + groups}" if needed else "")
        read.append(found)
        group += groups + 1
    members.append(rf'(?!(?:{"|".join(names.FIELDS)})"){_OTHER_TEXT}{_SPACE}:{_SPACE}(?:"{_OTHER_TEXT}|{_BARE})')
    member = rf'"(?:{"|".join(members)}){_SPACE}(?:,{_SPACE}(?=")|(?=\}}))'
    pattern = rf"\A{_SPACE}\{{{_SPACE}(?:{member})++\}}{_SPACE}{''.join(marks)}\z"
    return pattern, SEPARATOR.join(read)


PLAIN, READ = _pattern(_of_plain, needed=True)
"""The pattern; and what takes its place: the six fields, in the order of names.FIELDS, between SEPARATORs."""
FLAT, TOKENS = _pattern(_of_flat, needed=False)
"""The same of a flat log; its fields as tokens: see `careful.look`."""
