"""What the tasks read, write and copy, for each contract that we ship."""

from dataclasses import replace
from pathlib import Path

import pytest

from include.contract import reading
from include.contract.changing import changes
from include.contract.model import Contract
from include.lineage.flows import TASKS, Flow, Flows
from include.names import CLASSIFY_DAG, USERS_DAG
from include.settings import ROOT

FILES = [ROOT / "contract.toml", *sorted(ROOT.glob("examples/*/contract.toml"))]
OURS = reading.load(ROOT / "contract.toml")


def second_version() -> Contract:
    """Without the field location_country, which verdicts and tables keep."""
    fields = tuple(field for field in OURS.fields if field.name != "location_country")
    roles = replace(OURS.roles, filters=(), tops=(), labels=())
    return changes.following(OURS, replace(OURS, fields=fields, roles=roles))


def of(contract: Contract, dag_id: str, task_id: str) -> Flow:
    flow = Flows(contract, "/accounts").of(dag_id, task_id)
    assert flow is not None
    return flow


def sources(flow: Flow, name: str, column: str) -> list[tuple[str, str, str]]:
    (output,) = [each for each in flow.outputs if each.dataset.name == name and each.dataset.store != "elasticsearch"]
    return [(each.dataset.name, each.column, each.how) for each in output.copies.get(column, ())]


@pytest.mark.parametrize("file", FILES, ids=lambda file: Path(file).parent.name)
def test_every_value_of_a_log_is_followed_into_rows_and_documents(file: Path):
    contract = reading.load(file)
    flow = of(contract, CLASSIFY_DAG, "stream")
    for field in contract.fields:
        ((topic, path, _),) = sources(flow, "server-logs-status", field.name)
        assert (topic, path) == ("server-logs", ".".join(field.path))
        for table in ("logs.good_logs", "logs.bad_logs", "logs.suspicious_logs"):
            ((topic, name, _),) = sources(flow, table, field.name)
            assert (topic, name) == ("server-logs-status", field.name)
        (documents,) = [each for each in flow.outputs if each.dataset.store == "elasticsearch"]
        assert [each.column for each in documents.copies[field.name]] == [field.name]


@pytest.mark.parametrize("contract", [*map(reading.load, FILES), second_version()])
def test_every_column_that_is_named_exists(contract: Contract):
    for task in TASKS:
        flow = of(contract, *task)
        for output in flow.outputs:
            assert output.copies.keys() <= output.dataset.columns.keys()
            for source in [each for found in output.copies.values() for each in found]:
                assert source.dataset in flow.inputs
                assert source.column in source.dataset.columns


def test_a_value_that_is_read_from_a_text_or_written_in_another_form_is_converted():
    flow = of(OURS, CLASSIFY_DAG, "stream")
    assert sources(flow, "server-logs-status", "device") == [("server-logs", "device", "same")]
    assert sources(flow, "server-logs-status", "account_id") == [("server-logs", "account_id", "converted")]
    assert sources(flow, "logs.bad_logs", "event_timestamp") == [("server-logs-status", "event_timestamp", "converted")]
    assert sources(flow, "logs.bad_logs", "raw") == [("server-logs-status", "raw", "converted")]
    assert sources(flow, "logs.bad_logs", "kafka_offset") == [("server-logs-status", "origin.kafka_offset", "same")]


def test_nothing_is_copied_from_the_users_but_they_decide_the_status():
    history = [
        each for each in sources(of(OURS, CLASSIFY_DAG, "stream"), "server-logs-status", "status") if "." in each[0]
    ]
    assert {column for _, column, _ in history} == {"account_no", "user_device", "valid_from", "valid_to"}
    assert {how for *_, how in history} == {"decides"}


def test_a_removed_field_has_a_column_still_but_comes_from_no_log():
    flow = of(second_version(), CLASSIFY_DAG, "stream")
    assert sources(flow, "server-logs-status", "location_country") == []
    assert sources(flow, "logs.good_logs", "location_country") != []
    assert sources(flow, "logs.good_logs", "contract_version") != []


def test_exports_are_copied_into_users_and_history():
    flow = of(OURS, USERS_DAG, "load_export")
    assert sources(flow, "dim_users.users_history", "user_device") == [("/accounts", "user_device", "same")]
    assert sources(flow, "dim_users.users", "account_no") == [("/accounts", "account_no", "same")]


def test_without_a_dimension_there_are_no_users():
    contract = replace(OURS, dimension=None)
    for task in TASKS:
        flow = of(contract, *task)
        outputs = [each.dataset for each in flow.outputs]
        assert not [each for each in (*flow.inputs, *outputs) if "users" in each.name or each.store == "file"]


def test_a_task_that_moves_no_data_has_no_flow():
    assert Flows(OURS, "/accounts").of("watch_logs", "lag") is None
