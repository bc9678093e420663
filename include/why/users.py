"""What the users dimension says about a log. Pure."""

import shlex
from typing import Any

from include import names
from include.contract import reading
from include.contract.model import Dimension
from include.why.facts import Facts, day_of


def sentence(facts: Facts) -> str:
    """What it has for the log's key on the day of the event, and whether the verdict is still the same."""
    record, contract = facts.last(), reading.current()
    dimension = contract.dimension
    if dimension is None:
        return "the contract has no dimension"
    if "MySQL" in facts.away:
        return "MySQL is unreachable"
    if not record:
        return "not judged yet"
    if record.get("status") == names.BAD:
        return "bad logs are judged without the users dimension"
    version = f"judged by version {record.get('users_version')}"
    if (key := record.get(dimension.key)) is None:
        return f"not looked up: the log has no {dimension.key}; {version}"
    has = [record.get(each.field) for each in dimension.attributes]
    known = "is unknown"
    if facts.expected:
        words = [contract.label(each.field) for each in dimension.attributes]
        known = "has " + " and ".join(f"the {word} {value}" for word, value in zip(words, facts.expected, strict=True))
    told = f"{contract.label(dimension.key)} {key} {known} on {day_of(record, dimension)}, the log has "
    told += f"{' and '.join('none' if value is None else str(value) for value in has)}; {version}"
    would_be = names.SUSPICIOUS if _is_suspicious(facts, dimension, has) else names.GOOD
    if would_be != record.get("status"):
        again = f"./logsieve rejudge --account {shlex.quote(str(key))}"
        told += f", by the current version it would be {would_be}: {again}"
    return told


def _is_suspicious(facts: Facts, dimension: Dimension, has: list[Any]) -> bool:
    """Whether it is by the current version. What a log does not have is not compared."""
    if facts.expected is None:
        return dimension.unknown is not None
    return any(value is not None and value != other for value, other in zip(has, facts.expected, strict=True))
