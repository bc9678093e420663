"""Maps errors of Elasticsearch to troubles: a server state that the indexer waits out, and its remedy."""

from collections.abc import Mapping
from typing import Any, Final

from elasticsearch import ApiError

from include.names import INDEX
from include.watch.troubles import Trouble

_SETTING: Final = f"PUT {INDEX}/_settings "
_SPACE: Final = (
    "Free disk space: above the flood stage Elasticsearch refuses writes, below the high watermark it resumes by itself"
)
_RIGHTS: Final = (
    f"Grant the user the rights in docs/own-servers.md#elasticsearch (all on {INDEX}*, manage_index_templates), or"
    " correct LOGSIEVE_ELASTICSEARCH_USER and …_PASSWORD"
)
_ALLOCATION: Final = "GET _cluster/allocation/explain shows why its shard is unassigned; ./logsieve logs elasticsearch"
_BUSY: Final = "It accepts them once it has room: check its heap and its load"

_BY_WORDS: Final[tuple[tuple[str, str], ...]] = (
    ("have the same priority", "Give that template another priority, or delete it: GET _index_template lists them"),
    ("shards open", "Delete indices that are not needed, or raise cluster.max_shards_per_node"),
    ("flood-stage watermark", _SPACE),
    ("read-only / allow delete", _SPACE),
    ("index write (api)", _SETTING + '{"index.blocks.write": null}'),
    ("index read-only (api)", _SETTING + '{"index.blocks.read_only": null}'),
    ("index metadata (api)", _SETTING + '{"index.blocks.metadata": null}'),
    (
        "cluster read-only",
        'PUT _cluster/settings {"persistent": {"cluster.blocks.read_only": null}}',
    ),
    ("Limit of total fields", _SETTING + '{"index.mapping.total_fields.limit": 1000}'),
    (
        "pipeline with id",
        _SETTING + '{"index.default_pipeline": "_none", "index.final_pipeline": "_none"}',
    ),
    ("same name as the alias", "Copy the index of an earlier version: ./logsieve airflow dags trigger bootstrap"),
    ("data stream", f"Delete the data stream {INDEX} and the template that creates it: our alias needs the name"),
    (
        "cannot exceed",
        "The day's shards are full: set LOGSIEVE_INDEX_SHARDS higher, delete that day's index, and restore its"
        " documents with ./logsieve reconcile --repair",
    ),
    ("no write index", f"Update what writes to {INDEX}: an alias now, of an index for each day"),
)
"""Parts of the reason's text and their remedies: many reasons share the type illegal_argument_exception."""
_BY_TYPE: Final[Mapping[str, str]] = {
    "index_closed_exception": f"POST {INDEX}/_open",
    "index_not_found_exception": "It is recreated at the next try",
    "unavailable_shards_exception": _ALLOCATION,
    "no_shard_available_action_exception": _ALLOCATION,
    "security_exception": _RIGHTS,
    "es_rejected_execution_exception": _BUSY,
    "circuit_breaking_exception": _BUSY,
}
_BY_STATUS: Final[Mapping[int, str]] = {
    401: _RIGHTS,
    403: _RIGHTS,
    413: "Raise http.max_content_length to 100mb, its default, in Elasticsearch and in any proxy in front of it",
    429: _BUSY,
    503: _ALLOCATION,
}
_OTHER: Final = "Is it up, with free disk? See ./logsieve logs elasticsearch"


def of(error: Exception) -> Trouble:
    """The client's error as a trouble with its remedy."""
    if not isinstance(error, ApiError):
        return Trouble(f"Elasticsearch does not answer: {_line(error)}", _OTHER)
    body: Any = error.body
    details = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(details, Mapping):
        return of_item(str(details.get("type")), str(details.get("reason")), error.status_code)
    return of_item(str(error.message), "", error.status_code)


def of_item(kind: str, reason: str, status: int = 0) -> Trouble:
    """The error of one refused document as a trouble, by its type and reason."""
    remedy = next((remedy for words, remedy in _BY_WORDS if words in reason), None)
    remedy = remedy or _BY_TYPE.get(kind) or _BY_STATUS.get(status) or _OTHER
    return Trouble(f"Elasticsearch refuses: {kind}{': ' if reason else ''}{_line(reason)}", remedy)


def _line(text: object) -> str:
    return " ".join(str(text).split())
