"""The index in Elasticsearch: creates its template and mapping, and checks that they stay as required."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from elasticsearch import ApiError, BadRequestError, Elasticsearch

from include.names import INDEX
from include.settings import ROOT
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
_HOW_TO_FIX: Final = (
    f"Delete the index (DELETE {INDEX}), so that it is recreated from {TEMPLATE_FILE.name}, then restore its documents:"
    " ./logsieve reconcile --repair. If it differs again, lower the priority of the template that overrides it"
    " (GET _index_template)"
)


class IndexDiffersError(TroubleError):
    """The index differs from the template: its documents would not match the verdicts."""


def template() -> dict[str, Any]:
    """Returns the index template: `index_patterns`, and settings and strict mappings below `template`."""
    body: dict[str, Any] = json.loads(TEMPLATE_FILE.read_text(encoding="utf-8"))
    return body


def ensure_index(client: Elasticsearch, name: str = INDEX) -> None:
    """Puts the template, then creates the index or updates its mapping. Idempotent.

    Raises TroubleError if Elasticsearch refuses, IndexDiffersError if the index then differs from the template. Each
    is one line with its remedy. Connection errors of the client propagate.
    """
    body = template() | {"index_patterns": [name]}
    ours = body["template"]
    try:
        client.indices.put_index_template(name=name, **body)
        if not client.indices.exists(index=name):
            _create(client, name, ours)
        _index_of(client, name)
        try:
            client.indices.put_mapping(index=name, **ours["mappings"])
        except BadRequestError:
            # The check names every field that has another type.
            check_index(client, name)
            raise
        check_index(client, name)
    except ApiError as error:
        raise TroubleError(search_trouble.of(error)) from error


def _create(client: Elasticsearch, name: str, ours: Mapping[str, Any]) -> None:
    # Explicit settings and mappings override every template, even one with a higher priority.
    try:
        client.indices.create(index=name, settings=ours["settings"], mappings=ours["mappings"])
    except BadRequestError as error:
        # Two processes may create it at once, both from the same template.
        if error.message != "resource_already_exists_exception":
            raise


def check_index(client: Elasticsearch, name: str = INDEX) -> None:
    """Checks the index against the template.

    Raises IndexDiffersError, naming what differs, and ApiError if there is no index.
    """
    index = _index_of(client, name)
    differences = [*_differences(index["mappings"], template()["template"]["mappings"], "mappings")]
    for setting in _CHANGES_DOCUMENTS:
        value = index["settings"].get(setting)
        if value not in (None, _NO_PIPELINE, "standard"):
            differences.append(f"{setting} is {json.dumps(value)}")
    if differences:
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise IndexDiffersError(Trouble(f"the index differs: {'; '.join(differences[:3])}{more}", _remedy(differences)))


def _index_of(client: Elasticsearch, name: str) -> Mapping[str, Any]:
    """Returns the mappings and flat settings. Raises IndexDiffersError if the name is an alias or a data stream."""
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


def _remedy(differences: list[str]) -> str:
    pipelines = [each.split()[0] for each in differences if each.startswith(("index.default_", "index.final_"))]
    if len(pipelines) < len(differences):
        return _HOW_TO_FIX
    return f"PUT {INDEX}/_settings {json.dumps(dict.fromkeys(pipelines, _NO_PIPELINE))}"


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
