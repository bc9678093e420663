"""With a transport, DAG runs tell what they read and write: valid by OpenLineage's schema, named by its rules."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.stack import Stack
from tests.openlineage import events
from tests.openlineage.events import Event

CONF = {"generate_logs": {"seconds": 1}, "users_dimension": {}, "classify_logs": {}}


@pytest.fixture(scope="module")
def told(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """The events of a run of each DAG, as OpenLineage's file transport wrote them."""
    file = tmp_path_factory.mktemp("lineage") / "events.jsonl"
    transport = json.dumps({"type": "file", "log_file_path": str(file), "append": True})
    for dag_id, conf in CONF.items():
        words = ("airflow", "dags", "test", dag_id, "--conf", json.dumps(conf))
        done = stack.run(*words, AIRFLOW__OPENLINEAGE__TRANSPORT=transport)
        assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def of(told: list[Event], job: str, kind: str) -> Event:
    (found,) = [event for event in told if (event["job"]["name"], event["eventType"]) == (job, kind)]
    return found


def test_every_event_is_valid(told: list[Event]) -> None:
    for event in told:
        events.check(event)


def test_the_stream_tells_its_datasets_at_its_start(stack: Stack, told: list[Event]) -> None:
    kafka, mysql = f"kafka://127.0.0.1:{stack.ports['kafka']}", f"mysql://127.0.0.1:{stack.ports['mysql']}"
    search = f"elasticsearch://127.0.0.1:{stack.ports['elasticsearch']}"
    start = of(told, "classify_logs.stream", "START")
    assert events.named(start["inputs"]) == {
        (kafka, "server-logs"), (kafka, "server-logs-status"),
        (mysql, "dim_users.users_history"), (mysql, "dim_users.users_version"),
    }  # fmt: skip
    assert events.named(start["outputs"]) == {
        (kafka, "server-logs-status"), (search, "server-logs"),
        (mysql, "logs.good_logs"), (mysql, "logs.bad_logs"), (mysql, "logs.suspicious_logs"),
    }  # fmt: skip


def test_a_dataset_has_one_name_in_all_runs(told: list[Event]) -> None:
    stream, generate = of(told, "classify_logs.stream", "START"), of(told, "generate_logs.generate", "COMPLETE")
    assert events.named(generate["outputs"]) < events.named(stream["inputs"])
    users = of(told, "users_dimension.load_export", "COMPLETE")
    assert events.named(users["outputs"]) & events.named(stream["inputs"])


def columns(dataset: Event) -> dict[str, str]:
    return {field["name"]: field["type"] for field in dataset["facets"]["schema"]["fields"]}


def test_its_columns_are_those_that_the_servers_have(stack: Stack, told: list[Event]) -> None:
    start = of(told, "classify_logs.stream", "START")
    for dataset in (*start["inputs"], *start["outputs"]):
        if dataset["namespace"].startswith("mysql"):
            database, table = dataset["name"].split(".")
            query = (
                "SELECT column_name, CAST(column_type AS CHAR) FROM information_schema.columns"
                " WHERE table_schema = %s AND table_name = %s"
            )
            there = dict(stack.root_sql(query, (database, table)))
            assert {name: kind.lower() for name, kind in columns(dataset).items()} == there
        if dataset["namespace"].startswith("elasticsearch"):
            (mapping,) = stack.search("server-logs-odd/_mapping")["server-logs-odd"].values()
            assert columns(dataset) == dict(flat(mapping["properties"]))


def flat(properties: Event, before: str = "") -> Iterator[tuple[str, str]]:
    for name, each in properties.items():
        if "properties" in each:
            yield from flat(each["properties"], f"{before}{name}.")
        else:
            yield before + name, each["type"]


def test_no_event_has_a_password_or_a_login(stack: Stack, told: list[Event]) -> None:
    text = json.dumps(told)
    assert "logsieve_" not in text
    assert not [name for name, password in stack.passwords.items() if password in text]
