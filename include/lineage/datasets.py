"""The datasets of Logsieve with their columns: topics, tables, documents, exports. Pure.

What they are called is decided in plugins/lineage.py, by OpenLineage's rules.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from include.contract import mapping, tables
from include.contract.model import Contract
from include.names import INDEX, LOGS_DATABASE, LOGS_TOPIC, STATUS_TOPIC, USERS_DATABASE
from include.settings import ROOT
from include.users import tables as users_tables
from include.users.shape import Shape

TEMPLATE: Final = ROOT / "include" / "index" / "server-logs.json"
_JSON: Final = {"keyword": "string", "ip": "string", "date": "string", "binary": "string", "boolean": "boolean"}
"""The JSON type of a member of a verdict, by that of the document's field; others are numbers."""

Store = Literal["kafka", "mysql", "elasticsearch", "file"]


@dataclass(frozen=True)
class Dataset:
    """A topic, `database.table`, index or folder, by `name`; `columns`: their types by name, in order."""

    store: Store
    name: str
    columns: Mapping[str, str]


def logs(contract: Contract) -> Dataset:
    """The topic of the logs. A nested field's name is its path, with dots; its type, the JSON values that are taken."""
    return Dataset("kafka", LOGS_TOPIC, {path(field.path): " or ".join(field.json) for field in contract.fields})


def verdicts(contract: Contract) -> Dataset:
    """The topic of the verdicts, whose members are those of the documents."""
    types = {name: _JSON.get(kind, "number") for name, kind in documents(contract).columns.items()}
    return Dataset("kafka", STATUS_TOPIC, types | {"reasons": "array"})


def documents(contract: Contract) -> Dataset:
    """The index, by the alias that readers use."""
    template = json.loads(TEMPLATE.read_text(encoding="utf-8"))["template"]["mappings"]["properties"]
    return Dataset("elasticsearch", INDEX, dict(_flat(mapping.properties(contract) | template)))


def table(contract: Contract, status: str, name: str) -> Dataset:
    """The table of a status."""
    return Dataset("mysql", f"{LOGS_DATABASE}.{name}", tables.columns(contract, status))


def users(contract: Contract) -> dict[str, Dataset]:
    """The tables of the users dimension, by their names there; none without a dimension."""
    shape = Shape.of(contract)
    found = users_tables.columns(shape) if shape else {}
    return {name: Dataset("mysql", f"{USERS_DATABASE}.{name}", columns) for name, columns in found.items()}


def exports(contract: Contract, folder: str) -> Dataset:
    """The folder of the accounts exports: one dataset, whatever the day."""
    shape = Shape.of(contract)
    return Dataset("file", folder, {column.name: "text" for column in shape.columns} if shape else {})


def path(names: tuple[str, ...]) -> str:
    """A nested field's name."""
    return ".".join(names)


def _flat(properties: Mapping[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    for name, found in properties.items():
        if "properties" in found:
            yield from _flat(found["properties"], (*before, name))
        else:
            yield path((*before, name)), found["type"]
