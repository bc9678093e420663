"""The contract as plain values: fields, rules across fields, the dimension, roles. Pure.

reading.py makes and checks it. What each word means is in docs/contract.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Literal

from include.names import LAST_MILLISECOND, LAST_SECOND

Type = Literal["text", "int32", "int64", "number", "boolean", "timestamp", "ip"]
Unit = Literal["seconds", "milliseconds", "iso8601"]
Kind = Literal["string", "number", "boolean"]
Bound = int | float

LARGEST: Final = 1.7976931348623157e308
"""The largest number of 64 bits that may have a fraction."""
USUAL: Final[dict[str, tuple[Bound, Bound]]] = {
    "text": (1, 255),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "number": (-LARGEST, LARGEST),
    "boolean": (0, 1),
    "seconds": (0, LAST_SECOND),
    "milliseconds": (0, LAST_MILLISECOND),
    "iso8601": (0, LAST_MILLISECOND),
    "ip": (2, 45),
}
"""The limits of a field that states none, by its form. Of all but texts, the widest ones."""
MOST_CHARACTERS: Final = 8191
"""Of a text: at four bytes each, the most that Elasticsearch indexes as one value."""


@dataclass(frozen=True)
class Field:
    """One field of a log. `least` and `most`: of a number or a time in its unit (of iso8601 in milliseconds), or of a
    text's characters."""

    name: str
    path: tuple[str, ...]
    type: Type
    unit: Unit | None
    json: tuple[Kind, ...]
    """The kinds of JSON values that are taken."""
    required: bool
    null: bool
    """Whether JSON null is taken."""
    least: Bound
    most: Bound
    one_of: tuple[str | int, ...] = ()
    """Empty: any."""
    pattern: str | None = None
    """What the whole text must match, in the syntax of RE2."""
    examples: tuple[str | int | float, ...] = ()
    """Good values that the generator chooses from; empty: it makes its own."""

    @property
    def form(self) -> str:
        """Its type, or the unit of a timestamp."""
        return self.unit or self.type

    @property
    def is_nullable(self) -> bool:
        """Whether a good log may have no value."""
        return self.null or not self.required

    @property
    def may_be_empty(self) -> bool:
        """Whether its text may have no characters."""
        return self.type == "text" and self.least == 0


@dataclass(frozen=True)
class NotBefore:
    """A time is not before another one."""

    name: str
    field: str
    than: str


@dataclass(frozen=True)
class NotInFuture:
    """A time is at most so many seconds after that of receipt."""

    name: str
    field: str
    by_seconds: int


@dataclass(frozen=True)
class RequiredWhen:
    """A field has a value if another one has this one."""

    name: str
    field: str
    when_field: str
    equals: str | int | bool


@dataclass(frozen=True)
class OwnRule:
    """What only a class in jobs/java/own can say about the values of these fields."""

    name: str
    java: str
    """The class, without its package."""
    fields: tuple[str, ...]
    says: str
    """What it means that a log breaks it."""
    broken_by: tuple[tuple[str, str | int | float], ...] = ()
    """Values by field that break it, for the generator; empty: it never breaks the rule."""


Rule = NotBefore | NotInFuture | RequiredWhen | OwnRule


@dataclass(frozen=True)
class Attribute:
    """A field that is compared with a column of the dimension, and the reason if it differs."""

    field: str
    column: str
    reason: str


@dataclass(frozen=True)
class Dimension:
    """What is looked up by the key at the time of the event. `unknown`: the reason for an unknown key; None: none."""

    key: str
    column: str
    at: str
    unknown: str | None
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class Roles:
    """What readers use a field for. `id` and `time`: None if no field is."""

    id: str | None = None
    time: str | None = None
    filters: tuple[str, ...] = ()
    tops: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    """Fields with what readers call them, where that does not follow from the name."""


@dataclass(frozen=True)
class Stored:
    """A field as tables, index and status messages have it: wide enough for each version of the contract that had it.

    `since`: the first of them; `until`: the first without it; None: the present one has it.
    """

    field: Field
    since: int = 1
    until: int | None = None


@dataclass(frozen=True)
class Contract:
    """All of it; `fields` in the order of the status message. changing/changes.py makes what follows one."""

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    dimension: Dimension | None = None
    roles: Roles = field(default_factory=Roles)
    version: int = 1
    """Each contract that takes effect has the next one. A verdict says it, unless it is 1."""
    later: tuple[Stored, ...] = ()
    """The fields of all versions, the present ones first; empty for version 1."""

    @cached_property
    def stored(self) -> tuple[Stored, ...]:
        """The fields of all versions, the present ones first."""
        return self.later or tuple(map(Stored, self.fields))

    @cached_property
    def of_all_versions(self) -> "Contract":
        """The contract whose fields are those of all versions: tables, index and readers of verdicts have them all."""
        return replace(self, fields=tuple(each.field for each in self.stored)) if self.later else self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The fields' names: columns, members of the status message and fields of documents."""
        return tuple(each.name for each in self.fields)

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by their names."""
        return {each.name: each for each in self.fields}

    def label(self, name: str) -> str:
        """What readers call the field."""
        return dict(self.roles.labels).get(name) or name.removesuffix("_id").replace("_", " ")

    def of_type(self, *types: Type) -> Iterable[Field]:
        """The fields of these types."""
        return (each for each in self.fields if each.type in types)

    @property
    def of_own_rules(self) -> tuple[OwnRule, ...]:
        """The rules that are classes in jobs/java/own."""
        return tuple(rule for rule in self.rules if isinstance(rule, OwnRule))

    @property
    def needs_received(self) -> bool:
        """Whether a rule compares with the time of receipt."""
        return any(isinstance(rule, NotInFuture) for rule in self.rules)
