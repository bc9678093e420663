"""What follows a contract: whether another one may, what changes for logs, and the next version. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from include.contract import reasons
from include.contract.model import Contract, Dimension, Field, Stored

_ALIKE: Final = {"milliseconds", "iso8601"}
"""Forms that are the same in the verdict, the table and the index, and whose limits are in the same unit."""
_ANOTHER_NAME: Final = "Its column keeps what it was. Use another name, with the path to where it is in the log"
_KEPT: Final = "Earlier rows keep theirs, and new logs have none: its values are not kept any more."
_GROWS: Final = "Earlier rows have none. Tables and index get it at once; rows are not copied."


@dataclass(frozen=True)
class Difference:
    """One difference between two contracts, for a person."""

    kind: str
    """added, removed, wider, narrower, changed, or refused."""
    name: str
    """Of the field, the rule or the table of the file."""
    what: str
    """What it was and is."""
    effect: str
    """What it does to logs, tables and index; of one that is refused, the remedy."""
    loses: bool = False
    """Whether something of the logs that arrive is not kept any more, so that a person must accept it."""
    lifted: tuple[str, ...] = ()
    """Reasons of bad logs that may be good now."""


def same(one: Contract, other: Contract) -> bool:
    """Whether a person declared the same: the versions may differ."""
    return _declared(one) == _declared(other)


def following(before: Contract, declared: Contract) -> Contract:
    """What a person declared, as the version after `before`."""
    version = before.version + 1
    known = {each.field.name: each for each in before.stored}
    present = [_stored(known.pop(field.name, None), field, version) for field in declared.fields]
    gone = [
        each if each.until else replace(each, field=_optional(each.field), until=version) for each in known.values()
    ]
    return replace(declared, version=version, later=(*present, *gone))


def differences(before: Contract, declared: Contract) -> list[Difference]:
    """Everything that a person changed, fields first; empty if `same`."""
    if same(before, declared):
        return []
    gone = {each.field.name: each for each in before.stored if each.until}
    found: list[Difference] = []
    for field in declared.fields:
        if (was := before.by_name.get(field.name)) is not None:
            found += _of_field(was, field)
        elif field.name in gone:
            found.append(_refused(field.name, f"version {gone[field.name].since} had it", _ANOTHER_NAME))
        else:
            found.append(_added(field))
    found += [_removed(field) for field in before.fields if field.name not in declared.by_name]
    found += _of_rules(before, declared)
    found += _of_dimension(before.dimension, declared.dimension)
    if before.names != declared.names and sorted(before.names) == sorted(declared.names):
        found.append(Difference("changed", "field", "another order", "The status message has it."))
    if before.roles != declared.roles:
        found.append(Difference("changed", "roles", "other roles", "Page and Kibana follow."))
    return found


def _declared(contract: Contract) -> tuple[object, ...]:
    return contract.fields, contract.rules, contract.dimension, contract.roles


def _optional(field: Field) -> Field:
    return replace(field, required=False)


def _stored(was: Stored | None, field: Field, version: int) -> Stored:
    plain = replace(field, one_of=(), pattern=None, examples=())
    if was is None:
        return Stored(_optional(plain), since=version)
    return replace(
        was,
        field=replace(
            plain,
            least=min(was.field.least, field.least),
            most=max(was.field.most, field.most),
            required=was.field.required and field.required,
            null=was.field.null or field.null,
        ),
    )


def _added(field: Field) -> Difference:
    effect = _GROWS if field.is_nullable else f"A log without it is bad. {_GROWS}"
    return Difference("added", field.name, field.form, effect)


def _removed(field: Field) -> Difference:
    return Difference("removed", field.name, field.form, _KEPT, True, tuple(reasons.of_field(field)))


def _refused(name: str, what: str, remedy: str) -> Difference:
    return Difference("refused", name, what, remedy)


def _of_field(was: Field, now: Field) -> Iterator[Difference]:
    name = now.name
    if was.form != now.form and not {was.form, now.form} <= _ALIKE:
        yield _refused(name, f"{was.form} becomes {now.form}", _ANOTHER_NAME)
        return
    if was.form != now.form:
        yield Difference("changed", name, f"{was.form} becomes {now.form}", "The log has it in another form.")
    if was.path != now.path:
        yield Difference("changed", name, f"from {'.'.join(was.path)} to {'.'.join(now.path)}", "It is read there.")
    limits = [*_limits(was, now)]
    if wider := [each for each in limits if each.takes_more]:
        lifted = tuple(reason for each in wider for reason in each.reasons if reason in reasons.of_field(was))
        effect = "Logs that were bad for it are good from now on."
        yield Difference("wider", name, ", ".join(each.what for each in wider), effect, lifted=lifted)
    if narrower := [each for each in limits if each.takes_less]:
        effect = "Logs that were good with it are bad from now on. Earlier verdicts stay."
        yield Difference("narrower", name, ", ".join(each.what for each in narrower), effect)


class _Limit(NamedTuple):
    """One limit of a field that has changed: what it is now, which values it takes that it did not, or the reverse."""

    takes_more: bool
    takes_less: bool
    what: str
    reasons: tuple[str, ...]
    """Those that a log has which breaks it."""


def _limits(was: Field, now: Field) -> Iterator[_Limit]:
    name, invalid = now.name, reasons.invalid(now.name)
    if was.required != now.required:
        what = "required" if now.required else "optional"
        yield _Limit(was.required, now.required, what, (reasons.missing(name),))
    if was.null != now.null:
        yield _Limit(now.null, was.null, "may be null" if now.null else "not null", (reasons.null(name),))
    if was.json != now.json:
        more, less = bool({*now.json} - {*was.json}), bool({*was.json} - {*now.json})
        yield _Limit(more, less, f"JSON {', '.join(now.json)}", (invalid,))
    given: tuple[str, ...]
    if was.least != now.least:
        given = (reasons.empty(name), reasons.too_short(name)) if now.type == "text" else (invalid,)
        yield _Limit(now.least < was.least, now.least > was.least, f"from {now.least}", given)
    if was.most != now.most:
        given = (reasons.too_long(name),) if now.type == "text" else (invalid,)
        yield _Limit(now.most > was.most, now.most < was.most, f"up to {now.most}", given)
    if {*was.one_of} != {*now.one_of}:  # empty: any
        more = bool(was.one_of) and (not now.one_of or bool({*now.one_of} - {*was.one_of}))
        less = bool(now.one_of) and (not was.one_of or bool({*was.one_of} - {*now.one_of}))
        yield _Limit(more, less, f"one of {', '.join(map(str, now.one_of)) or 'any'}", (reasons.not_allowed(name),))
    if was.pattern != now.pattern:
        what = f"like {now.pattern}" if now.pattern is not None else "like any"
        yield _Limit(was.pattern is not None, now.pattern is not None, what, (reasons.no_match(name),))


def _of_rules(before: Contract, declared: Contract) -> Iterator[Difference]:
    was, now = ({rule.name: rule for rule in each.rules} for each in (before, declared))
    for name in {**was, **now}:
        if name not in now:
            yield Difference("removed", name, "rule", "Logs that broke it are good from now on.", lifted=(name,))
        elif name not in was:
            yield Difference("added", name, reasons.of_rule(now[name]), "Logs that break it are bad from now on.")
        elif was[name] != now[name]:
            yield Difference("changed", name, reasons.of_rule(now[name]), "It holds from now on.", lifted=(name,))


def _of_dimension(was: Dimension | None, now: Dimension | None) -> Iterator[Difference]:
    if was == now:
        return
    if now is None:
        yield Difference("removed", "dimension", "no dimension", "Nothing is suspicious from now on.")
    elif was is None or _columns(was) != _columns(now):
        remedy = "Keep its key, attributes and columns, or begin with no data: ./logsieve up --fresh"
        yield _refused("dimension", "the users history has other columns", remedy)
    else:
        yield Difference("changed", "dimension", "its time or its reasons", "It holds from now on.")


def _columns(dimension: Dimension) -> tuple[object, ...]:
    return dimension.key, dimension.column, tuple((each.field, each.column) for each in dimension.attributes)
