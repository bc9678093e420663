"""The indices in Elasticsearch: their template, and each one's creation and check. Client errors become troubles.

Readers know one name, the alias `server-logs`; writers the index of each day (days.py).
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from elasticsearch import ApiError, BadRequestError, Elasticsearch

from include.contract import mapping, reading
from include.index.days import is_ours
from include.names import INDEX, ODD_INDEX
from include.settings import ROOT, Settings
from include.watch import search_trouble
from include.watch.troubles import Trouble, TroubleError

TEMPLATE_FILE: Final = ROOT / "include" / "index" / "server-logs.json"
"""Its priority is far above usual ones: of all matching templates, only the one with the highest priority applies."""

_NO_PIPELINE: Final = "_none"
_CHANGES_DOCUMENTS: Final = (
    "index.default_pipeline", "index.final_pipeline", "index.mode", "index.lifecycle.name", "index.routing_path",
    "index.routing_partition_size", "index.mapping.ignore_malformed", "index.mapping.coerce",
    "index.mapping.ignore_above", "index.mapping.source.mode",
)  # fmt: skip
"""Settings that change or remove documents."""
EARLIER_KIND: Final = Trouble(
    f"{INDEX} is an index, as in an earlier version, and not an alias",
    "The DAG bootstrap copies its documents into an index for each day: ./logsieve airflow dags trigger bootstrap",
)


class IndexDiffersError(TroubleError):
    """An index differs from the template: its documents would not match the verdicts."""


class EarlierKindError(TroubleError):
    """The name of the alias is that of an index, as in an earlier version: see take_over.py."""


class Shape(NamedTuple):
    """The number of primary shards of a new index, and of copies of each."""

    shards: int = 1
    replicas: int = 0

    @classmethod
    def of(cls, settings: Settings) -> "Shape":
        """The shape that the settings ask for."""
        return cls(settings.index_shards, settings.index_replicas)


ONE_SHARD: Final = Shape()


def template(shape: Shape = ONE_SHARD) -> dict[str, Any]:
    """Returns the index template with the contract's fields: `index_patterns`, and alias, settings and strict mappings
    below `template`."""
    body: dict[str, Any] = json.loads(TEMPLATE_FILE.read_text(encoding="utf-8"))
    mappings = body["template"]["mappings"]
    mappings["properties"] = mapping.properties(reading.current()) | mappings["properties"]
    body["template"]["settings"] |= {"number_of_shards": shape.shards, "number_of_replicas": shape.replicas}
    return body


def ensure(client: Elasticsearch, shape: Shape = ONE_SHARD) -> None:
    """Puts the template, and creates the odd index, so that the alias exists. Idempotent.

    Raises TroubleError if Elasticsearch refuses, or if the alias or the odd index is not as it must be. Each is one
    line with its remedy. Connection errors of the client propagate, here and below.
    """
    names(client)
    with _refusals():
        client.indices.put_index_template(name=INDEX, **template(shape))
    prepare(client, ODD_INDEX, shape)


def names(client: Elasticsearch) -> frozenset[str]:
    """Returns the names of all indices behind the alias.

    Raises EarlierKindError if the name is that of an index, IndexDiffersError if it means indices of others.
    """
    with _refusals():
        found = client.options(ignore_status=404).indices.get_alias(index=INDEX).body
    if "error" in found:
        return frozenset()
    if INDEX in found:
        raise EarlierKindError(EARLIER_KIND)
    if others := sorted(name for name in found if not is_ours(name)):
        raise IndexDiffersError(
            Trouble(
                f"{INDEX} is a data stream or an alias of {', '.join(others)}",
                f"Delete the data stream {INDEX}, or remove the alias from these indices: it is that of our own",
            )
        )
    return frozenset(found)


def prepare(client: Elasticsearch, name: str, shape: Shape = ONE_SHARD) -> None:
    """Creates the index with its alias, or adds what its mapping lacks. Idempotent.

    Raises TroubleError if Elasticsearch refuses, IndexDiffersError if the index differs from the template then.
    """
    ours = template(shape)["template"]
    with _refusals():
        if not client.indices.exists(index=name):
            create(client, name, ours)
        found = _definition(client, name)
        if INDEX not in found["aliases"]:
            client.indices.put_alias(index=name, name=INDEX)
        if found["mappings"] != ours["mappings"]:
            try:
                client.indices.put_mapping(index=name, **ours["mappings"])
            except BadRequestError:
                # The check names every field that has another type.
                _check(name, found)
                raise
            found = _definition(client, name)
        _check(name, found)


def create(client: Elasticsearch, name: str, ours: Mapping[str, Any]) -> None:
    """Creates an index as `ours` says: aliases, settings, mappings. Does nothing if another process just did."""
    # Explicit settings and mappings override every template, even one with a higher priority.
    try:
        client.indices.create(index=name, **ours)
    except BadRequestError as error:
        if error.message != "resource_already_exists_exception":
            raise


def delete_all(client: Elasticsearch) -> None:
    """Deletes all indices behind the alias, with their documents."""
    for name in names(client):
        client.options(ignore_status=404).indices.delete(index=name)


def _definition(client: Elasticsearch, name: str) -> Mapping[str, Any]:
    """Returns aliases, mappings and flat settings. Raises IndexDiffersError if the name is not that of an index."""
    found: Mapping[str, Any] = client.indices.get(index=name, flat_settings=True).body
    if list(found) != [name]:
        raise IndexDiffersError(
            Trouble(
                f"{name} is not an index but an alias or a data stream of {', '.join(found) or 'nothing'}",
                f"Delete the alias or data stream {name}: the index needs the name",
            )
        )
    index: Mapping[str, Any] = found[name]
    return index


def _check(name: str, index: Mapping[str, Any]) -> None:
    differences = [*_differences(index["mappings"], template()["template"]["mappings"], "mappings")]
    for setting in _CHANGES_DOCUMENTS:
        value = index["settings"].get(setting)
        if value not in (None, _NO_PIPELINE, "standard"):
            differences.append(f"{setting} is {json.dumps(value)}")
    if differences:
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise IndexDiffersError(
            Trouble(f"{name} differs: {'; '.join(differences[:3])}{more}", _remedy(name, differences))
        )


def _remedy(name: str, differences: list[str]) -> str:
    pipelines = [each.split()[0] for each in differences if each.startswith(("index.default_", "index.final_"))]
    if len(pipelines) == len(differences):
        # Through the alias: whoever set it for one index may have set it for all.
        return f"PUT {INDEX}/_settings {json.dumps(dict.fromkeys(pipelines, _NO_PIPELINE))}"
    return (
        f"Delete the index (DELETE {name}), so that it is recreated from {TEMPLATE_FILE.name}, then restore its"
        " documents: ./logsieve reconcile --repair. If it differs again, lower the priority of the template that"
        " overrides it (GET _index_template)"
    )


def _differences(found: Any, wanted: Any, at: str) -> Iterator[str]:
    """Yields a sentence for each difference between two mappings, in both directions."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for key in sorted(found.keys() | wanted.keys()):
            place = f"{at}.{key}"
            if key not in wanted:
                yield f"{place} is unexpected"
            elif key not in found:
                yield f"{place} is missing"
            else:
                yield from _differences(found[key], wanted[key], place)
    elif found != wanted:
        yield f"{at} is {json.dumps(found)}, not {json.dumps(wanted)}"


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        raise TroubleError(search_trouble.of(error)) from error
