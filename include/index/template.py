"""The index in Elasticsearch: its template and mapping, put in place by whoever comes first, and looked at again."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from elasticsearch import ApiError, BadRequestError, Elasticsearch

from include.names import INDEX
from include.settings import ROOT, Settings
from include.watch import search_trouble
from include.watch.troubles import Trouble, TroubleError

TEMPLATE_FILE: Final = ROOT / "include" / "search" / "server-logs.json"
"""Its priority is above whatever others give theirs: of all templates that match, the highest alone counts."""
REQUEST_SECONDS: Final = 30

_NO_PIPELINE: Final = "_none"
_CHANGES_DOCUMENTS: Final = (
    "index.default_pipeline", "index.final_pipeline", "index.mode", "index.lifecycle.name", "index.routing_path",
    "index.routing_partition_size", "index.mapping.ignore_malformed", "index.mapping.coerce",
    "index.mapping.ignore_above", "index.mapping.source.mode",
)  # fmt: skip
"""Settings by which documents become others, or vanish."""
_HOW_TO_GO_ON: Final = (
    f"Delete the index (DELETE {INDEX}), so that it is made anew as {TEMPLATE_FILE.name} says, and bring its documents"
    " back: ./logsieve reconcile --repair. A template (GET _index_template) of a higher priority makes it otherwise"
    " again: lower that"
)


class IndexDiffersError(TroubleError):
    """What is there under the name of the index is not ours: documents would not be what the verdicts say."""


def connect(settings: Settings) -> Elasticsearch:
    """A client that raises at the first failure: whoever uses it decides what is tried again, and when."""
    return Elasticsearch(
        settings.elasticsearch_url,
        max_retries=0,
        request_timeout=REQUEST_SECONDS,
        **access(
            settings.elasticsearch_user,
            settings.elasticsearch_password.get_secret_value(),
            settings.elasticsearch_ca,
        ),
    )


def access(user: str | None, password: str | None, ca: Path | str | None) -> dict[str, Any]:
    """What a client needs to log in and to check the server's certificate; what is empty is left out."""
    login: dict[str, Any] = {"basic_auth": (user, password)} if user else {}
    return login | ({"ca_certs": str(ca)} if ca else {})


def template() -> dict[str, Any]:
    """The index template: index_patterns, and below template the settings and the strict mappings."""
    body: dict[str, Any] = json.loads(TEMPLATE_FILE.read_text(encoding="utf-8"))
    return body


def ensure_index(client: Elasticsearch, name: str = INDEX) -> None:
    """Put the template, and make the index or bring its mapping up to date; again and again does no harm.

    Raises TroubleError where Elasticsearch refuses, IndexDiffersError where what comes out is not what the template
    says; each is one line with its remedy. What the client raises when the server does not answer is raised as it is.
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
            # Looking tells more: each field that has another type.
            check_index(client, name)
            raise
        check_index(client, name)
    except ApiError as error:
        raise TroubleError(search_trouble.of(error)) from error


def _create(client: Elasticsearch, name: str, ours: Mapping[str, Any]) -> None:
    # Said here too: above a template of somebody else, even of one whose priority is higher still.
    try:
        client.indices.create(index=name, settings=ours["settings"], mappings=ours["mappings"])
    except BadRequestError as error:
        # Two may come at once: then the second finds the index made, from the same template.
        if error.message != "resource_already_exists_exception":
            raise


def check_index(client: Elasticsearch, name: str = INDEX) -> None:
    """Raises IndexDiffersError, naming what differs, where the index is not what the template makes; ApiError where
    there is none."""
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
    """Mappings and settings, flat. Raises IndexDiffersError where the name is another index's too."""
    found: Mapping[str, Any] = client.indices.get(index=name, flat_settings=True).body
    if list(found) != [name]:
        raise IndexDiffersError(
            Trouble(
                f"{name} is no index, but an alias or a data stream of {', '.join(found) or 'nothing'}",
                f"Delete the alias or data stream {name}: the index needs the name",
            )
        )
    index: Mapping[str, Any] = found[name]
    return index


def _remedy(differences: list[str]) -> str:
    pipelines = [each.split()[0] for each in differences if each.startswith(("index.default_", "index.final_"))]
    if len(pipelines) < len(differences):
        return _HOW_TO_GO_ON
    return f"PUT {INDEX}/_settings {json.dumps(dict.fromkeys(pipelines, _NO_PIPELINE))}"


def _differences(found: Any, wanted: Any, at: str) -> Iterator[str]:
    """What differs between two mappings, both ways, one sentence each."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for key in sorted(found.keys() | wanted.keys()):
            place = f"{at}.{key}"
            if key not in wanted:
                yield f"{place} is there"
            elif key not in found:
                yield f"{place} is missing"
            else:
                yield from _differences(found[key], wanted[key], place)
    elif found != wanted:
        yield f"{at} is {json.dumps(found)}, not {json.dumps(wanted)}"
