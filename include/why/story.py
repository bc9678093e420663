"""The history of one log: its bytes, verdict and reasons, its users row, and its place at each hop."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Final

from include import names
from include.clients.outside import Outside
from include.contract import reading
from include.contract import reasons as contract_reasons
from include.printable import printable
from include.proof import contents, verdict_search
from include.settings import Settings
from include.why import facts as log_facts
from include.why import users
from include.why.facts import Facts, NoSuchLogError

LONGEST: Final = 2000
"""Characters of a log shown at most."""
_LONGEST_VALUE: Final = 200


@dataclass
class Story:
    """A log's history as plain values, ready for JSON."""

    origin: str
    log: dict[str, Any]
    """key, received_at, size (null: a tombstone), text (printable, cut to LONGEST), raw (base64, its first MAX_RAW
    bytes); empty: unknown."""
    status: str | None
    reasons: dict[str, str]
    """Reasons with their meanings."""
    users: str
    verdicts: list[dict[str, Any]]
    """status_offset, status, reasons, users_version, revision and rejudged of each status message, the oldest first;
    the last one counts."""
    hops: dict[str, str]
    """By hop: where the log is, or why it is not there, and any difference from the verdict."""
    differences: list[dict[str, Any]] = field(default_factory=list)
    """hop, field, and the values verdict and found; a value is omitted if the field is absent there."""
    away: dict[str, str] = field(default_factory=dict)
    """Servers that did not answer, with their clients' errors."""


def read(outside: Outside, settings: Settings, key: str) -> Story:
    """The history of the log with this origin. Raises NoSuchLogError for an invalid origin or a log not sent yet."""
    origin = names.origin_of(key.encode(errors="replace"))
    if origin is None:
        raise NoSuchLogError(
            f"{printable(key)!r} is not an origin. An origin is the partition and offset of a log in"
            f" {names.LOGS_TOPIC}, for example 0-1234.",
            "Find it as kafka_partition and kafka_offset in MySQL, as _id in the index, or as each line's first word in"
            f" ./logsieve tail {names.LOGS_TOPIC}.",
        )
    return describe(log_facts.gather(outside, settings, *origin), str(settings.dead_letters))


def describe(facts: Facts, dead_letters: str) -> Story:
    """The log's history, built from the facts. Pure."""
    record, contract = facts.last(), reading.current()
    meanings = contract_reasons.every(contract)
    other = "an unknown reason" if contract.version == 1 else "a rule of an earlier version of the contract"
    return Story(
        origin=facts.key,
        log=_log(facts),
        status=record.get("status"),
        reasons={reason: meanings.get(reason, other) for reason in record.get("reasons") or []},
        users=users.sentence(facts),
        verdicts=[
            {
                "status_offset": verdict.offset,
                "status": verdict.record.get("status"),
                **{name: verdict.record.get(name) for name in ("reasons", "users_version", "revision")},
                "rejudged": verdict.rejudged,
            }
            for verdict in (facts.found.verdicts if facts.found else [])
        ],
        hops={
            names.LOGS_TOPIC: _in_logs(facts),
            names.STATUS_TOPIC: _in_status(facts),
            "MySQL": _in_tables(facts),
            "Elasticsearch": _in_index(facts),
            "dead letters": f"refused, {facts.refused[-1]}; it is in {dead_letters}" if facts.refused else "not there",
        },
        differences=[
            {"hop": hop, **each}
            for hop, records in (
                ("MySQL", [row.record for row in facts.rows or []]),
                ("Elasticsearch", [facts.document] if facts.document is not None else []),
            )
            for record in records
            for each in _differences(facts, record)
        ],
        away=facts.away,
    )


def _log(facts: Facts) -> dict[str, Any]:
    if facts.message is not None:
        value = facts.message.value
        about: dict[str, Any] = {
            "key": printable(facts.message.key),
            "received_at": facts.message.received_at.isoformat(timespec="milliseconds"),
            "size": None if value is None else len(value),
        }
    else:
        bad = next((row.record for row in facts.rows or [] if "raw" in row.record), None)
        if bad is None:
            return {}
        value, about = _bytes(bad["raw"]), {"size": bad["raw_size"]}
    # A log may have hundreds of MiB if the broker accepts them.
    head = None if value is None else value[: names.MAX_RAW]
    text = printable(head)
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}… (cut)"
    return about | {"text": shown, "raw": None if head is None else base64.b64encode(head).decode()}


def _bytes(raw: str | None) -> bytes | None:
    return None if raw is None else base64.b64decode(raw)


def _in_logs(facts: Facts) -> str:
    if facts.logs is None:
        return "Kafka is unreachable"
    first, _ = facts.logs
    if facts.message is not None:
        return f"partition {facts.partition}, offset {facts.offset}"
    if facts.offset < first:
        return f"Kafka has removed it: the partition now begins at {first:,}"
    return "no log has this offset: transactions of a producer leave such gaps"


def _in_status(facts: Facts) -> str:
    if facts.no_status_partition:
        return f"the topic has no partition {facts.partition}: ./logsieve topics --partitions {facts.partition + 1}"
    if facts.found is None or facts.logs is None:
        return "Kafka is unreachable"
    found = facts.found
    if found.verdicts:
        offsets = [f"{verdict.offset}{' (rejudged)' if verdict.rejudged else ''}" for verdict in found.verdicts]
        where = f"partition {facts.partition}, offset {', '.join(offsets)}: {facts.last().get('status')}"
        more = "" if found.searched_all else f"; only {verdict_search.FURTHER:,} further messages were searched"
        return where + more
    if facts.message is None and facts.offset >= facts.logs[0]:
        return "not there: it is no log"
    if found.judged <= facts.offset:
        return f"not judged yet (classify is {facts.logs[1] - max(found.judged, facts.logs[0]):,} behind)"
    if found.place == found.first > 0:
        return f"Kafka has removed it: the partition now begins at {found.first:,}"
    return f"missing: it should be near offset {found.place:,}"


def _in_tables(facts: Facts) -> str:
    if facts.rows is None:
        return "MySQL is unreachable"
    tables = [f"{names.LOGS_DATABASE}.{row.table}" for row in facts.rows]
    if len(tables) > 1:
        return f"in {len(tables)} tables at once, which is an error: {', '.join(tables)}"
    if tables:
        return tables[0] + _other_than_verdict(facts, facts.rows[0].record) + _to_expire(facts)
    return _absent(facts, facts.loaded, "loaded", "load")


def _in_index(facts: Facts) -> str:
    if "Elasticsearch" in facts.away:
        return "Elasticsearch is unreachable"
    if facts.document is not None:
        place = f"{names.INDEX}/_doc/{facts.key}: {facts.document.get('status')}"
        return place + _other_than_verdict(facts, facts.document) + _to_expire(facts) + _strays(facts)
    absent = "refused" if facts.refused else _absent(facts, facts.indexed, "indexed", "the indexer")
    return absent + _strays(facts)


def _strays(facts: Facts) -> str:
    ids = ", ".join(map(printable, facts.strays))
    return f"; besides, ./logsieve reconcile --repair removes: {ids}" if ids else ""


def _absent(facts: Facts, position: int, done: str, who: str) -> str:
    """Why a sink does not have the log, given its next status offset."""
    if facts.expired:
        return f"expired: expire_logs has removed it, {facts.expired} UTC"
    if facts.found is None:
        return f"not there; without Kafka it is unknown whether it is still to be {done}"
    if not facts.found.verdicts:
        return "not there"
    if position <= facts.found.verdicts[0].offset:
        return f"not {done} yet ({who} is {facts.found.end - position:,} behind)"
    unsure = ", or expired" if "MySQL" in facts.away else ""
    return f"missing, though {who} has passed it: removed manually{unsure}"


def _to_expire(facts: Facts) -> str:
    return ", though it has expired: the next run of expire_logs removes it" if facts.expired else ""


def _other_than_verdict(facts: Facts, record: dict[str, Any]) -> str:
    found = [
        f"{each['field']} is {_shown(each, 'found')}, not {_shown(each, 'verdict')}"
        for each in _differences(facts, record)
    ]
    return f", unlike the {'verdict' if facts.verdict() else 'row'}: {'; '.join(found)}" if found else ""


def _differences(facts: Facts, record: dict[str, Any]) -> list[dict[str, Any]]:
    sides = {"verdict": facts.last(), "found": record}
    return [
        {"field": name, **{side: values[name] for side, values in sides.items() if name in values}}
        for name in contents.differing(facts.last(), record)
    ]


def _shown(difference: dict[str, Any], side: str) -> str:
    if side not in difference:
        return "nothing"
    text = printable(json.dumps(difference[side], ensure_ascii=False))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}… (cut)"
