"""Takes over the index of an earlier version, itself named `server-logs`: copies it into an index for each day.

Nothing is removed before everything is copied and counted. The old index then goes and the alias comes in one step, so
readers always see every document once. A run that was killed is repeated from its beginning; copies that are there
already are written again, with the same content.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from elasticsearch import ApiError, Elasticsearch
from elasticsearch.helpers import scan

from include.index import template
from include.index.days import day_of, index_of, is_ours
from include.index.template import EarlierKindError, Shape
from include.names import INDEX, ODD_INDEX
from include.watch import search_trouble
from include.watch.troubles import Trouble, TroubleError

PIECE: Final = 2000
_KEPT: Final = "10m"
"""How long Elasticsearch keeps its place in the old index while a piece is written."""
_ACTION: Final = b'{"index":{"_id":%b,"version":0,"version_type":"external_gte"}}'
"""Any verdict of the status topic has a higher version, or the same one and is read again."""

Report = Callable[[str], None]


class NotTakenOverError(TroubleError):
    """The old index cannot be taken over as it is; it has all of its documents, and nothing reads the copies."""


def take_over(client: Elasticsearch, report: Report, shape: Shape = template.ONE_SHARD) -> None:
    """Replaces an index named `server-logs` by the alias; does nothing if there is none. Idempotent.

    The indexer waits meanwhile. Raises TroubleError, also if Elasticsearch refuses.
    """
    try:
        template.names(client)
        return
    except EarlierKindError:
        pass
    try:
        _take_over(client, report, template.template(shape))
    except ApiError as error:
        raise TroubleError(search_trouble.of(error)) from error


def _take_over(client: Elasticsearch, report: Report, ours: dict[str, Any]) -> None:
    # As long as an index has its name, the alias cannot exist: not even by the template.
    del ours["template"]["aliases"]
    client.indices.put_index_template(name=INDEX, **ours)
    # A program of the earlier version waits from here on.
    client.indices.add_block(index=INDEX, block="write")
    client.indices.refresh(index=INDEX)
    total, copied = int(client.count(index=INDEX)["count"]), 0
    there: set[str] = set()
    piece: list[tuple[bytes, bytes]] = []
    for hit in scan(client, index=INDEX, size=PIECE, scroll=_KEPT, sort="_doc"):
        piece.append((orjson.dumps(hit["_id"]), orjson.dumps(hit["_source"])))
        if len(piece) == PIECE:
            _write(client, piece, there, ours["template"])
            copied += len(piece)
            report(f"{copied:,} of {total:,} documents copied")
            piece = []
    _write(client, piece, there, ours["template"])
    template.create(client, ODD_INDEX, ours["template"])
    names = sorted(name for name in client.indices.get_alias(index=f"{INDEX}-*").body if is_ours(name))
    client.indices.refresh(index=",".join(names))
    if (found := int(client.count(index=",".join(names))["count"])) != total:
        raise NotTakenOverError(
            Trouble(
                f"{INDEX} has {total:,} documents, its copies {', '.join(names)} have {found:,}",
                f"Delete the copies (DELETE {','.join(names)}), then trigger bootstrap again: {INDEX} has them all",
            )
        )
    removed = {"remove_index": {"index": INDEX}}
    client.indices.update_aliases(actions=[removed, {"add": {"indices": names, "alias": INDEX}}])
    report(f"{total:,} documents taken over into {', '.join(names)}")


def _write(client: Elasticsearch, piece: list[tuple[bytes, bytes]], there: set[str], ours: Mapping[str, Any]) -> None:
    today = datetime.now(UTC).date()
    operations: dict[str, list[Any]] = {}
    for key, source in piece:
        operations.setdefault(index_of(day_of(source), today, there), []).extend([_ACTION % key, source])
    for name in operations.keys() - there:
        template.create(client, name, ours)
        there.add(name)
    for name, lines in operations.items():
        answer = client.bulk(index=name, operations=lines, filter_path="errors,items.*.error,items.*._id")
        if answer["errors"]:
            item = next(item["index"] for item in answer["items"] if "error" in item["index"])
            raise NotTakenOverError(
                Trouble(
                    f"{name} refuses the document {item['_id']} of {INDEX}: {item['error']['reason']}",
                    f'Allow changes (PUT {INDEX}/_settings {{"index.blocks.write": null}}), correct or delete the'
                    " document, then trigger bootstrap again",
                )
            )
