"""What the generator's accounts are called and what they may have, by a contract. Pure."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from include.contract.model import Contract, Dimension, Field
from include.names import LAST_SECOND
from include.source import shipped, values
from include.users.shape import Shape
from include.users.shape import Value as Value

MOST_VALUES: Final = 6
"""Of an attribute that may be anything."""
MOST_DRAWN: Final = 20_000
"""Keys that are drawn from a pattern, since they cannot be made from a number."""


Keys = tuple[range, Callable[[int], Value], Callable[[random.Random], Value] | None]
"""`numbers`, `key` and `unknown` of a population."""


@dataclass(frozen=True)
class Population:
    """Accounts have numbers; a key is made from each, and the attributes are some of their values."""

    header: str
    """Of the export; empty: the contract has no dimension, so there are no exports."""
    numbers: range
    """All numbers of accounts."""
    key: Callable[[int], Value]
    """Another key for each number."""
    unknown: Callable[[random.Random], Value] | None
    """A key that no account ever has; None: there is none."""
    attributes: tuple[tuple[Value, ...], ...]
    """The values of each."""
    times: tuple[int, int] = (0, LAST_SECOND)
    """The first and the last second that an event may have."""


NUMBERS: Final = range(1, 2**30)
"""Of the accounts of most contracts. A number outside it never belongs to an account."""


def outside(numbers: range, least: int, most: int) -> Callable[[random.Random], int]:
    """Draws a number from the limits that is none of the numbers, which are fewer and within them."""
    end = most + 1 - len(numbers)

    def draw(rng: random.Random) -> int:
        number = rng.randrange(least, end)
        return number if number < numbers.start else number + len(numbers)

    return draw


SIX_FIELDS: Final = Population(
    "account_no,user_device", NUMBERS, int, outside(NUMBERS, -(2**31), 2**31 - 1), (shipped.DEVICES,)
)
"""Of the contract that ships."""


def of(contract: Contract) -> Population:
    """The accounts of a contract. Raises NoLogError."""
    if shipped.is_for(contract):
        return SIX_FIELDS
    shape, dimension = Shape.of(contract), contract.dimension
    if shape is None or dimension is None:
        return Population("", NUMBERS, int, None, ())
    first, last = values.milliseconds(contract.by_name[dimension.at])
    begin = -(-first // 1000)
    times = begin, max(last // 1000, begin)
    if _has_six_fields(shape, dimension):
        return replace(SIX_FIELDS, times=times)
    attributes = []
    for column in shape.attributes:
        found = values.distinct(column.field, len(column.field.one_of) or MOST_VALUES)
        attributes.append(tuple(each for each in found if isinstance(each, int | str)))
    return Population(shape.header, *_keys(shape.key.field), tuple(attributes), times)


def _has_six_fields(shape: Shape, dimension: Dimension) -> bool:
    """Whether the accounts of the contract that ships are good here: a version of it has the same ones."""
    key, (device, *_) = shape.key.field, shape.attributes
    return (
        shipped.has_its_columns(dimension)
        and (key.type, key.one_of, key.least, key.most) == ("int32", (), -(2**31), 2**31 - 1)
        and device.field.type == "text"
        and all(values.is_good(device.field, each) for each in shipped.DEVICES)
    )


def _keys(field: Field) -> Keys:
    is_number = field.type == "text" and "string" not in field.json
    if field.one_of or field.pattern is not None or field.examples or is_number:
        return _drawn(field)
    if field.type == "text":
        digits = min(int(field.most), 10)
        numbers = range(1, min(NUMBERS.stop, 10**digits // 2))
        text = _padded(int(field.least))
        others = outside(numbers, 0, 10**digits - 1)
        return numbers, text, lambda rng: text(others(rng))
    least, most = int(field.least), int(field.most)
    begin = 1 if least <= 1 <= most else least
    numbers = range(begin, min(begin + len(NUMBERS), begin + max((most - begin + 1) // 2, 1)))
    return numbers, int, outside(numbers, least, most) if least + len(numbers) <= most else None


def _padded(least: int) -> Callable[[int], str]:
    return lambda number: str(number).zfill(least)


def _drawn(field: Field) -> Keys:
    """Half of the keys are known, the others are not."""
    keys = [each for each in values.distinct(field, MOST_DRAWN) if isinstance(each, int | str)]
    known, others = keys[: -(-len(keys) // 2)], keys[-(-len(keys) // 2) :]
    return range(len(known)), known.__getitem__, (lambda rng: rng.choice(others)) if others else None
