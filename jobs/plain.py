r"""The regular expression of a plain log: one that is seen at a glance to break no rule of form.

It matches a JSON object that has the six fields, in any order: texts as strings of 1 to MAX_TEXT characters without an
escape, numbers as strings of digits or bare, inside their ranges; beside them other members, if they are neither
objects nor arrays and have no escape. Of a name that comes again the last value counts. What it does not match may be
fine too, and is looked at carefully (jobs/careful.py). Java's syntax; possessive, so that no text makes it backtrack.
"""

from typing import Final

from include import names

SEPARATOR: Final = "\x01"
"""Between the parts of READ: JSON allows no such character in a string."""

_SPACE: Final = r"[ \t\n\r]*+"
# One by one: Java looks a single character up in a table, and compares with each range.
_CHARACTER: Final = '[^"\\\\' + "".join(rf"\x{code:02x}" for code in range(32)) + "]"
_TEXT: Final = rf'"({_CHARACTER}{{1,{names.MAX_TEXT}}}+)"'
# Up to 2,139,999,999 and 99,999,999,999: near the ends of their ranges numbers are compared, not matched.
_NUMBERS: Final = {
    "account_id": "-?(?:1[0-9]{9}|20[0-9]{8}|21[0-3][0-9]{7}|[0-9]{1,9}+)",
    "event_timestamp": "[0-9]{1,11}+",
}
# Not one that stands for bytes that are no UTF-8; in the six fields records.read looks for it.
_OTHER_TEXT: Final = rf'(?:(?!\ufffd){_CHARACTER}){{0,1000}}+"'
_OTHER_VALUE: Final = (
    rf'(?:"{_OTHER_TEXT}|-?(?:0|[1-9][0-9]{{0,17}}+)(?:\.[0-9]{{1,18}}+)?+(?![0-9.eE])|true|false|null)'
)


def _plain() -> tuple[str, str]:
    """The pattern, and what it is replaced by."""
    members, found, marks, group = [], {}, [], 0
    for field in names.FIELDS:
        if field in _NUMBERS:
            quote, group = group + 1, group + 2
            value = rf'(?:(?=")|(?!-?0[0-9]))("?+)({_NUMBERS[field]})\{quote}(?![0-9.eE])'
        else:
            group += 1
            value = _TEXT
        found[field] = f"${group}"
        # A group of nothing, to which a reference matches only where the field was there.
        group += 1
        marks.append(rf"\{group}")
        members.append(rf'{field}"{_SPACE}:{_SPACE}{value}()')
    members.append(rf'(?!(?:{"|".join(names.FIELDS)})"){_OTHER_TEXT}{_SPACE}:{_SPACE}{_OTHER_VALUE}')
    member = rf'"(?:{"|".join(members)}){_SPACE}(?:,{_SPACE}(?=")|(?=\}}))'
    pattern = rf"\A{_SPACE}\{{{_SPACE}(?:{member})++\}}{_SPACE}{''.join(marks)}\z"
    return pattern, SEPARATOR.join(found.values())


PLAIN, READ = _plain()
"""The pattern; and what takes its place: the six fields, in the order of names.FIELDS, between SEPARATORs."""
