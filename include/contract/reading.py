"""Reads a contract from its file: TOML, as a person writes it, or the JSON of documents.py, as a cluster gets it."""

import json
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from include.contract import meaning
from include.contract.documents import of_document
from include.contract.errors import ContractError, Located, Problem
from include.contract.lines import Lines, Place
from include.contract.model import Contract
from include.settings import Settings

SCHEMA: Final = Path(__file__).with_name("contract.schema.json")
"""The shape of the file. Editors complete by it."""


_current: list[tuple[Path, Contract]] = []
"""At most one."""


def current() -> Contract:
    """The contract that is in effect by this process's settings, read once. Raises ContractError."""
    if not _current:
        _current[:] = [(file := Settings().contract_in_effect, load(file))]
    return _current[0][1]


def use(file: Path) -> None:
    """Makes the contract in the file the `current` one of this process, until it follows. Raises ContractError."""
    _current[:] = [(file, load(file))]


def follow() -> bool:
    """Whether another contract has taken effect than the `current` one, which is that one from now on.

    For programs that outlive a contract; a driver does not: it keeps the one that it has begun with.
    """
    if _current and _current[0][0] == Settings().contract_in_effect:
        return False
    _current.clear()
    return True


def of(settings: Settings) -> Contract:
    """The contract that is in effect by the settings. Raises ContractError."""
    return load(settings.contract_in_effect)


@cache
def load(file: Path) -> Contract:
    """The contract in the file, read once. Raises ContractError with all mistakes."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        located = Located(1, "", f"it cannot be read: {error}", "Set LOGSIEVE_CONTRACT to a file in UTF-8")
        raise ContractError(file, [located]) from error
    if file.suffix == ".json":
        return of_document(json.loads(text))
    return parse(text, file)


def parse(text: str, file: Path) -> Contract:
    """The contract in the text of a TOML file, whose name is for errors. Raises ContractError with all mistakes."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, line = str(error).removesuffix(")").rpartition(" (at line ")
        number = int(line.split(",")[0]) if what else len(text.splitlines())
        located = Located(number, "", f"this is not TOML: {what or error}", "See toml.io for its syntax")
        raise ContractError(file, [located]) from None
    problems = [*_shape(document)]
    if not problems:
        contract = of_document(document)
        problems = [*meaning.problems(document, contract)]
    if problems:
        lines = Lines(text)
        raise ContractError(
            file,
            [Located(lines.of(each.place), _where(document, each.place), each.what, each.remedy) for each in problems],
        )
    return contract


def _shape(document: dict[str, Any]) -> Iterator[Problem]:
    # Only whoever reads what a person wrote needs it, which is not a cluster.
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for error in Draft202012Validator(schema).iter_errors(document):
        place, found = tuple(error.absolute_path), error.schema
        known = ", ".join(found.get("properties", {}))
        match error.validator:
            case "additionalProperties":
                for name in sorted(set(error.instance) - set(found.get("properties", {}))):
                    yield Problem((*place, name), f"{name!r} is no word of the contract here", f"Use one of: {known}")
            case "required":
                name = next(name for name in error.validator_value if name not in error.instance)
                about = found["properties"].get(name, {}).get("description", "").removesuffix(".")
                yield Problem(place, f"{name} is missing", f"Add {name} = …{': ' if about else ''}{about}")
            case _:
                name = "it" if not place or isinstance(place[-1], int) else place[-1]
                what = f"{name} is {_shown(error.instance)}"
                yield Problem(place, what, found.get("description", error.message).removesuffix("."))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _where(document: Any, place: Place) -> str:
    """What a person calls the place: its field, its rule, or its table."""
    if not place:
        return ""
    if len(place) > 1 and isinstance(place[1], int):
        each = document[place[0]][place[1]]
        name = each.get("name") if isinstance(each, dict) else None
        return f"{place[0]} {name if isinstance(name, str) else place[1] + 1}"
    return str(place[0])
