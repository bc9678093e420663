"""Rules across fields for the generator: keeps them in good logs, breaks one of them in bad ones. Pure.

Values are by name: None if a field is absent or null, times in milliseconds. Fields that are broken themselves do not
occur here.
"""

import random
from collections.abc import Callable
from typing import Any, Final

from include.contract.model import Contract, Field, NotBefore, NotInFuture, OwnRule, RequiredWhen, Rule
from include.source import values

Values = dict[str, Any]

_DAY: Final = 86_400_000
_TRIES: Final = 30


def broken(contract: Contract, found: Values, now: int) -> tuple[str, ...]:
    """The names of the rules that these values break, if the log is received now (milliseconds since 1970)."""
    return tuple(rule.name for rule in contract.rules if _is_broken(rule, found, now))


def _is_broken(rule: Rule, found: Values, now: int) -> bool:
    match rule:
        case NotBefore():
            value, than = found[rule.field], found[rule.than]
            return value is not None and than is not None and bool(value < than)
        case NotInFuture():
            value = found[rule.field]
            return value is not None and bool(value > now + rule.by_seconds * 1000)
        case OwnRule():
            return bool(rule.broken_by) and all(found[name] == value for name, value in rule.broken_by)
        case RequiredWhen():
            return found[rule.field] is None and found[rule.when_field] == rule.equals


def keep(contract: Contract, found: Values, made: Callable[[Field], Any]) -> None:
    """Changes what breaks a rule: gives a field the value that is required, and a later time if it is too early.

    `made` makes a value of a field.
    """
    for _ in contract.rules:
        for rule in contract.rules:
            if isinstance(rule, RequiredWhen) and found[rule.field] is None and found[rule.when_field] == rule.equals:
                found[rule.field] = made(contract.by_name[rule.field])
    _lift(contract, found)


def _lift(contract: Contract, found: Values) -> None:
    for _ in contract.rules:
        for rule in contract.rules:
            if isinstance(rule, NotBefore) and _is_broken(rule, found, 0):
                found[rule.field] = whole_unit(contract.by_name[rule.field], found[rule.than])


def whole_unit(field: Field, milliseconds: int) -> int:
    """The first time at or after this one that the field can say, within its limits."""
    unit = 1000 if field.unit == "seconds" else 1
    least, most = values.milliseconds(field)
    return min(max(-(-milliseconds // unit) * unit, least), most)


def breaking(contract: Contract, rule: Rule, found: Values, now: int, rng: random.Random) -> Values | None:
    """The values with this rule broken and no other; None if that was not possible with these."""
    for _ in range(_TRIES):
        changed = dict(found)
        _break(contract, rule, changed, now, rng)
        if broken(contract, changed, now) == (rule.name,):
            return changed
    return None


def _break(contract: Contract, rule: Rule, found: Values, now: int, rng: random.Random) -> None:
    match rule:
        case NotBefore():
            field, than = contract.by_name[rule.field], contract.by_name[rule.than]
            if found[rule.than] is None:
                found[rule.than] = whole_unit(than, now - rng.randrange(_DAY))
            earlier = found[rule.than] - rng.randrange(2000, _DAY)
            if earlier >= values.milliseconds(field)[0]:
                found[rule.field] = whole_unit(field, earlier)
        case NotInFuture():
            field = contract.by_name[rule.field]
            found[rule.field] = whole_unit(field, now + rule.by_seconds * 1000 + rng.randrange(_DAY, 2 * _DAY))
            _lift(contract, found)
        case OwnRule():
            found.update(rule.broken_by)
        case RequiredWhen():
            found[rule.when_field] = rule.equals
            found[rule.field] = None
