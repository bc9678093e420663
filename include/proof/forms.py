"""How the value of each field is written in a status message: the pattern, and the same text from a column. Pure.

Numbers with a fraction are the only ones that JSON, Python and MySQL write in several ways. In a verdict they have the
fewest digits that are read as the same number, which all three find; the layout is that of
jobs/java/logsieve/Numbers.java: plain from 0.001 up to 10^15, else with one digit before the point and an exponent.
"""

from typing import Final

from include.contract.model import Field
from include.contract.tables import quoted

_PIECE: Final = r'[^"\\\x00-\x1f]*'
TEXT: Final = rf'(?:null|"{_PIECE}(?:\\["\\bfnrt]{_PIECE})*")'
INTEGER: Final = r"(?:null|-?\d+)"
_PATTERNS: Final = {
    "int32": INTEGER,
    "int64": INTEGER,
    "number": r"(?:null|-?\d+(?:\.\d+)?(?:e-?\d+)?)",
    "boolean": "(?:null|true|false)",
}
_LEAST_PLAIN: Final = 1e-3
_MOST_PLAIN: Final = 1e15


def pattern(field: Field) -> str:
    """The pattern of the field's value in a status message. It does not match numeric escapes (`\\u…`)."""
    return _PATTERNS.get(field.type, TEXT)


def from_column(field: Field) -> str:
    """The SQL expression for the field's value as it is in the status message, from its column."""
    column = quoted(field.name)
    match field.form:
        case "text" | "ip":
            made = f"JSON_QUOTE({column})"
        case "int32" | "int64":
            made = column
        case "number":
            made = _number(column)
        case "boolean":
            made = f"IF({column}, 'true', 'false')"
            return f"IF({column} IS NULL, 'null', {made})"
        case _:
            made = f"""CONCAT('"', REPLACE({column}, ' ', 'T'), 'Z"')"""
    return f"IFNULL({made}, 'null')"


def number_text(number: float) -> str:
    """The number as a status message has it."""
    if number == 0:
        return "0"
    sign, text = "-" if number < 0 else "", repr(abs(number))
    mantissa, _, written = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(written or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if _LEAST_PLAIN <= abs(number) < _MOST_PLAIN:
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}"
        padded = digits.ljust(point, "0")
        return f"{sign}{padded[:point]}{'.' if padded[point:] else ''}{padded[point:]}"
    return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{point - 1}"


def _number(column: str) -> str:
    # MySQL writes some numbers plainly that have an exponent here: how many depends on their digits.
    size, text = f"ABS({column})", f"TRIM(LEADING '-' FROM CAST({column} AS CHAR))"
    behind = f"SUBSTRING({text}, 3)"
    small = f"TRIM(LEADING '0' FROM {behind})"
    large = f"TRIM(TRAILING '0' FROM REPLACE({text}, '.', ''))"
    is_small = f"{size} < 1"
    digits = f"IF({is_small}, {small}, {large})"
    exponent = f"IF({is_small}, CHAR_LENGTH({small}) - CHAR_LENGTH({behind}) - 1, LOCATE('.', CONCAT({text}, '.')) - 2)"
    made = f"CONCAT(LEFT({digits}, 1), IF(CHAR_LENGTH({digits}) > 1, '.', ''), SUBSTRING({digits}, 2), 'e', {exponent})"
    scientific = f"CONCAT(IF({column} < 0, '-', ''), IF(LOCATE('e', {text}), {text}, {made}))"
    is_plain = f"{column} = 0 OR {size} >= {_LEAST_PLAIN:.0e} AND {size} < {_MOST_PLAIN:.0e}"
    return f"CASE WHEN {column} IS NULL THEN NULL WHEN {is_plain} THEN CAST({column} AS CHAR) ELSE {scientific} END"
