"""Validates events against OpenLineage's own schemas, which are in this folder."""

import json
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

Event = dict[str, Any]

_SCHEMAS: Final = [json.loads(file.read_text(encoding="utf-8")) for file in Path(__file__).parent.glob("*.json")]
_REGISTRY: Final[Registry[Any]] = Registry().with_resources(
    [(schema["$id"], Resource.from_contents(schema)) for schema in _SCHEMAS]
)
KNOWN: Final = {"schema", "columnLineage"}
"""The facets of datasets that have a schema here."""


def check(event: Event) -> None:
    """Fails unless the event, and each facet of its datasets, are valid by the schema that they name."""
    _validate(event, event["schemaURL"])
    for dataset in (*event["inputs"], *event["outputs"]):
        assert dataset["facets"].keys() <= KNOWN, "it has a schema here"
        for facet in dataset["facets"].values():
            _validate(facet, facet["_schemaURL"])
        _check_columns(event, dataset)


def named(datasets: list[Event]) -> set[tuple[str, str]]:
    """Namespace and name of each."""
    return {(each["namespace"], each["name"]) for each in datasets}


def _check_columns(event: Event, dataset: Event) -> None:
    columns = {(each["namespace"], each["name"]): _columns(each) for each in event["inputs"]}
    for column, copied in dataset["facets"].get("columnLineage", {}).get("fields", {}).items():
        assert column in _columns(dataset)
        for source in copied["inputFields"]:
            assert source["field"] in columns[source["namespace"], source["name"]], "a column of an input"


def _columns(dataset: Event) -> set[str]:
    return {field["name"] for field in dataset["facets"].get("schema", {}).get("fields", [])}


def _validate(value: Event, schema: str) -> None:
    Draft202012Validator({"$ref": schema}, registry=_REGISTRY, format_checker=FormatChecker()).validate(value)
