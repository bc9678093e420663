"""Generates logs of any contract from a seed, each labelled with its expected verdict. No I/O."""

import random
from collections.abc import Callable
from typing import Any, Final

import orjson

from include import names
from include.contract import reasons
from include.contract.model import Contract, Field, OwnRule, RequiredWhen, Rule
from include.source import across, kinds, values
from include.source.across import Values
from include.source.draws import Draws, Log
from include.source.errors import NoLogError
from include.source.not_json import not_json_kinds

_NONE: Final = 0.2
"""Share of logs without a value, of a field that may have none."""
_HOUR: Final = 3_600_000
_TRIES: Final = 50
TWO_FAULTS: Final = "two_faults"

Document = dict[str, Any]
Bad = Callable[[Values, int], bytes | None]


class AnyLogMaker(Draws):
    """Endless, seeded source of logs of a contract. The same arguments and the same clock give the same bytes.

    `reasons`: the expected reasons of a verdict, by the kind of log. Raises NoLogError.
    """

    def __init__(self, contract: Contract, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self._contract = contract
        self._made = {
            field.name: values.maker(field, is_id=field.name == contract.roles.id)
            for field in contract.fields
            if field.type != "timestamp"
        }
        self.reasons: dict[str, tuple[str, ...]] = {names.GOOD: ()}
        self._bad: dict[str, Bad] = {}
        self._suspicious: dict[str, tuple[bool, tuple[int, ...]]] = {}
        self._add_bad_kinds()
        self._add_suspicious_kinds()
        self._bad_names, self._suspicious_names = list(self._bad), list(self._suspicious)

    def make(self) -> Log:
        """The next log. Without a dimension, none is suspicious."""
        rng, now = self._rng, int(self._clock())
        number, *attributes, when = self._next(now)
        if not self._late_seconds:
            when = min(max(now, self._accounts.population.times[0]), self._accounts.population.times[1])
        key, draw = self._accounts.population.key(number), rng.random()
        if draw < self._bad_below:
            kind = rng.choice(self._bad_names)
            found = self._good(key, attributes, when, now)
            return Log(_message_key(key), self._bad[kind](found, now * 1000), names.BAD, kind)
        if draw < self._suspicious_below and self._suspicious_names:
            kind = rng.choice(self._suspicious_names)
            key, attributes = self._unexpected(kind, key, attributes)
            found = self._good(key, attributes, when, now, is_whole=True)
            return Log(_message_key(key), self._text(found), names.SUSPICIOUS, kind)
        return Log(_message_key(key), self._text(self._good(key, attributes, when, now)), names.GOOD, names.GOOD)

    def _good(self, key: Any, attributes: list[Any], when: int, now: int, *, is_whole: bool = False) -> Values:
        """Values of a log that obeys all rules. `is_whole`: it has all that is looked up. Raises NoLogError."""
        known: Values = {}
        dimension = self._contract.dimension
        if dimension:
            compared = zip((each.field for each in dimension.attributes), attributes, strict=True)
            known = {dimension.at: when * 1000, dimension.key: key, **dict(compared)}
        for _ in range(_TRIES):
            found = {
                field.name: self._drawn_of(field, known, when, is_whole=is_whole) for field in self._contract.fields
            }
            across.keep(self._contract, found, lambda field: known.get(field.name, self._value(field, when)))
            is_of_day = dimension is None or found[dimension.at] == known[dimension.at]
            if is_of_day and not across.broken(self._contract, found, now * 1000):
                return found
        raise NoLogError("No log that obeys all rules across fields can be generated.", "Change a rule of the contract")

    def _drawn_of(self, field: Field, known: Values, when: int, *, is_whole: bool) -> Any:
        """A value of the field, that of `known` if it has one; None if the log has none."""
        is_known = field.name in known
        if not (is_known and is_whole) and self._has_none(field):
            return None
        return known[field.name] if is_known else self._value(field, when)

    def _has_none(self, field: Field) -> bool:
        return field.is_nullable and self._rng.random() < _NONE

    def _value(self, field: Field, when: int) -> Any:
        if field.type != "timestamp":
            return self._made[field.name](self._rng)
        return across.whole_unit(field, when * 1000 - self._rng.randrange(_HOUR) // 1000 * 1000)

    def _document(self, found: Values) -> Document:
        """The log with these values; what has none is absent, or null."""
        document: Document = {}
        for field in self._contract.fields:
            if (value := found[field.name]) is not None:
                _put(document, field.path, values.spelled(field, value, self._rng))
            elif field.null and (field.required or self._rng.random() < 0.5):
                _put(document, field.path, None)
        return document

    def _text(self, found: Values) -> bytes:
        return orjson.dumps(self._document(found))

    def _add_bad_kinds(self) -> None:
        rng = self._rng

        def changed(change: Callable[[random.Random, bytes], bytes | None]) -> Bad:
            return lambda found, now: change(rng, self._text(found))

        for kind, change in not_json_kinds().items():
            self.reasons[kind], self._bad[kind] = (reasons.NOT_JSON,), changed(change)
        for field in self._contract.fields:
            for kind, reason, wrong in kinds.of_field(field):
                self.reasons[kind], self._bad[kind] = (reason,), self._spoiled((field, wrong))
        first, last = self._contract.fields[0], self._contract.fields[-1]
        if first is not last:
            both = (reasons.invalid(first.name), reasons.invalid(last.name))
            self.reasons[TWO_FAULTS], self._bad[TWO_FAULTS] = both, self._spoiled((first, ([],)), (last, ([],)))
        for rule in self._contract.rules:
            self._add_rule(rule)

    def _spoiled(self, *wrong: tuple[Field, tuple[Any, ...]]) -> Bad:
        def make(found: Values, now: int) -> bytes:
            document = self._document(found)
            for field, allowed in wrong:
                if allowed:
                    _put(document, field.path, self._rng.choice(allowed))
                else:
                    _remove(document, field.path)
            return orjson.dumps(document)

        return make

    def _add_rule(self, rule: Rule) -> None:
        """A kind that breaks the rule, unless no log can break it alone."""

        def make(found: Values, now: int) -> bytes:
            when = now // 1000
            for _ in range(_TRIES):
                changed = across.breaking(self._contract, rule, found, now, self._rng)
                if changed is not None:
                    return self._text(changed)
                found = self._good(*self._someone(), when, when)
            raise NoLogError(f"No log that breaks the rule {rule.name} alone can be generated.", "Change the rule")

        if not all(values.is_good(self._contract.by_name[name], value) for name, value in _stated(rule)):
            return
        now = int(self._clock()) * 1000
        try:
            make(self._good(*self._someone(), now // 1000, now // 1000), now)
        except NoLogError:
            return
        self.reasons[rule.name], self._bad[rule.name] = (rule.name,), make

    def _someone(self) -> tuple[Any, list[Any]]:
        population = self._accounts.population
        return population.key(population.numbers.start), [each[0] for each in population.attributes]

    def _add_suspicious_kinds(self) -> None:
        """An unknown key, each attribute alone, and all of them."""
        dimension, population = self._contract.dimension, self._accounts.population
        if dimension is None:
            return
        if dimension.unknown and population.unknown:
            self.reasons[dimension.unknown], self._suspicious[dimension.unknown] = (dimension.unknown,), (True, ())
        several = [place for place, allowed in enumerate(population.attributes) if len(allowed) > 1]
        for places in {(place,): None for place in several} | {tuple(several): None}:
            if places:
                words = tuple(dimension.attributes[place].reason for place in places)
                self.reasons["+".join(words)], self._suspicious["+".join(words)] = words, (False, places)

    def _unexpected(self, kind: str, key: Any, attributes: list[Any]) -> tuple[Any, list[Any]]:
        is_unknown, places = self._suspicious[kind]
        population, changed = self._accounts.population, list(attributes)
        for place in places:
            others = [each for each in population.attributes[place] if each != attributes[place]]
            changed[place] = self._rng.choice(others)
        return population.unknown(self._rng) if is_unknown and population.unknown else key, changed


def _stated(rule: Rule) -> tuple[tuple[str, Any], ...]:
    """The values by field that the rule itself states for a log that breaks it."""
    match rule:
        case OwnRule():
            return rule.broken_by
        case RequiredWhen():
            return ((rule.when_field, rule.equals),)
        case _:
            return ()


def _message_key(key: Any) -> bytes:
    return str(key).encode()


def _put(document: Document, path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        document = document.setdefault(name, {})
    document[path[-1]] = value


def _remove(document: Document, path: tuple[str, ...]) -> None:
    for name in path[:-1]:
        document = document.get(name, {})
    document.pop(path[-1], None)
