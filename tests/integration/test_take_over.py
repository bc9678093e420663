"""An index of an earlier version, itself named server-logs, is taken over once: killed anywhere, nothing is lost."""

import json
import urllib.request
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from include.index import take_over as taking_over
from include.index import template
from include.index.take_over import NotTakenOverError, take_over
from include.names import INDEX, ODD_INDEX
from include.stack.run import supervisor
from include.watch import troubles
from tests.integration.stack import Stack, prove, until, wait_until_it_loads
from tests.integration.test_envelopes import send_at, without_the_first_wall

PIECE = 700
Documents = dict[str, dict[str, Any]]


class KilledError(BaseException):
    """The process ends here."""


def everything(stack: Stack) -> tuple[Documents, Counter[str]]:
    """Each document by id, and the number in each index. Fails if two have the same id."""
    stack.search(f"{INDEX}/_refresh", method="POST")
    found, counts, after = Documents(), Counter[str](), {}
    while True:
        # By origin: it has the same order in one index as in many.
        body = {"size": 5000, "sort": [{"origin.kafka_partition": "asc"}, {"origin.kafka_offset": "asc"}], **after}
        hits = stack.search(f"{INDEX}/_search", body)["hits"]["hits"]
        if not hits:
            return found, counts
        for hit in hits:
            assert hit["_id"] not in found
            found[hit["_id"]] = hit["_source"]
            counts[hit["_index"]] += 1
        after = {"search_after": hits[-1]["sort"]}


def make_earlier_kind(stack: Stack, documents: Documents) -> None:
    """Puts the documents into one index, as an earlier version had it, with its template; nothing else is left."""
    ours = template.template()
    del ours["template"]["aliases"]
    with stack.env.outside.search() as client:
        template.delete_all(client)
        client.indices.put_index_template(name=INDEX, **ours | {"index_patterns": [INDEX]})
        client.indices.create(index=INDEX)
    pairs = list(documents.items())
    for start in range(0, len(pairs), 2000):
        lines = "".join(
            f"{json.dumps({'index': {'_id': key}})}\n{json.dumps(source)}\n"
            for key, source in pairs[start : start + 2000]
        )
        request = urllib.request.Request(
            f"http://127.0.0.1:{stack.ports['elasticsearch']}/{INDEX}/_bulk",
            data=lines.encode(),
            headers={"Content-Type": "application/x-ndjson", "Authorization": stack.authorization("admin")},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert not json.load(answer)["errors"]


def dying(client: Elasticsearch, when: Callable[[str, str], bool], answered: bool) -> None:
    """Has the process killed at the first request of this method and path, before it is sent or after its answer."""
    ask = client.transport.perform_request

    def perform_request(method: str, target: str, **options: Any) -> Any:
        dies = when(method, target.partition("?")[0])
        if dies and not answered:
            raise KilledError
        answer = ask(method, target, **options)
        if dies:
            raise KilledError
        return answer

    client.transport.perform_request = perform_request  # type: ignore[method-assign]


def nth(number: int, part: str) -> Callable[[str, str], bool]:
    """Matches the request of that number, from 1, with this part in its method and path."""
    seen = 0

    def matches(method: str, path: str) -> bool:
        nonlocal seen
        seen += part in f"{method} {path}"
        return seen == number and part in f"{method} {path}"

    return matches


KILLS = [
    *((1, f"PUT /{INDEX}/_block", answered) for answered in (False, True)),
    (1, "/_bulk", False),
    (1, "/_bulk", True),
    (3, "/_bulk", True),
    (2, "/_search/scroll", False),
    (1, f"PUT /{INDEX}-2", True),
    (2, f"PUT /{INDEX}-2", True),
    (2, "/_count", True),
    (1, "POST /_aliases", False),
]


def test_the_index_of_an_earlier_version_is_taken_over_and_nothing_is_lost_wherever_it_is_killed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_over, "PIECE", PIECE)
    wait_until_it_loads(stack)
    since, now = stack.now(), datetime.now(UTC)
    days = [now - timedelta(days=2), now - timedelta(days=399), datetime(1980, 1, 1, tzinfo=UTC)]
    with without_the_first_wall(stack):
        origins = [origin for some in send_at(stack, days, 40) for origin in some]
        until(lambda: set(origins) <= stack.loaded(since), 60, "all are loaded")
    stack.generate(3 * PIECE)
    until(lambda: len(stack.documents(origins)) == len(origins), 60, "all are indexed")
    supervisor.halt(stack.env, "indexer")
    try:
        documents, places = everything(stack)
        make_earlier_kind(stack, documents)
        supervisor.run(stack.env, "indexer")
        waits = until(lambda: troubles.read(stack.settings.troubles).get("index"), 60, "the indexer waits")
        assert "./logsieve airflow dags trigger bootstrap" in waits.remedy
        red = stack.run("airflow", "tasks", "test", "expire_logs", "expire_documents")
        assert "bootstrap takes it over" in red.stdout + red.stderr

        for number, part, answered in KILLS:
            with stack.env.outside.search() as client:
                dying(client, nth(number, part), answered)
                with pytest.raises(KilledError):
                    take_over(client, lambda line: None)
            assert stack.search(f"{INDEX}/_alias").keys() == {INDEX}, "readers still have the old index alone"
        assert everything(stack) == (documents, Counter({INDEX: len(documents)}))

        # What is in a copy only is nothing that may be joined to it silently.
        stack.search(f"{ODD_INDEX}/_doc/stranger?refresh=true", {"status": "good"}, "PUT")
        with (
            stack.env.outside.search() as client,
            pytest.raises(NotTakenOverError, match=r"Delete the copies \(DELETE"),
        ):
            take_over(client, lambda line: None)
        stack.search(f"{ODD_INDEX}/_doc/stranger?refresh=true", method="DELETE")

        done = stack.run("airflow", "tasks", "test", "bootstrap", "make_index")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{len(documents):,} documents taken over" in done.stdout + done.stderr
    finally:
        if supervisor.proxy(stack.env).getProcessInfo("indexer")["statename"] != "RUNNING":
            supervisor.run(stack.env, "indexer")

    prove(stack, since)  # the indexer continues by itself
    after, now_in = everything(stack)
    assert {key: after[key] for key in documents} == documents
    today = f"{INDEX}-{now:%Y.%m.%d}"
    assert now_in - Counter({today: now_in[today]}) == places - Counter({today: places[today]})

    with stack.env.outside.search() as client:
        dying(client, lambda method, path: method != "GET", False)
        take_over(client, lambda line: None)  # the second time there is nothing to do
