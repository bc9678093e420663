"""What each task reads and writes, and which columns it copies from where. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from include.contract.model import Contract, Field
from include.lineage import datasets
from include.lineage.datasets import Dataset
from include.names import (
    CLASSIFY_DAG,
    DOCUMENT_OFFSET,
    DOCUMENT_PARTITION,
    GENERATE_DAG,
    HISTORY_TABLE,
    RECONCILE_DAG,
    REJUDGE_DAG,
    TABLES,
    USERS_DAG,
    USERS_TABLE,
    VERSION_TABLE,
)

How = Literal["same", "converted", "decides"]
"""It has the value as it is; in another form, such as a number read from a text; or another value, depending on it."""


@dataclass(frozen=True)
class Source:
    """A column that another one comes from."""

    dataset: Dataset
    column: str
    how: How


Copies = Mapping[str, tuple[Source, ...]]
"""The sources of a dataset's columns; those that come from no column are missing."""


@dataclass(frozen=True)
class Output:
    """A dataset that a task writes."""

    dataset: Dataset
    copies: Copies = field(default_factory=dict)


@dataclass(frozen=True)
class Flow:
    """What a task reads and writes."""

    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Output, ...] = ()


class Flows:
    """The flows of a contract. `exports`: folder or URL of the accounts exports."""

    def __init__(self, contract: Contract, exports: str) -> None:
        self._contract = contract
        self._logs, self._verdicts = datasets.logs(contract), datasets.verdicts(contract)
        self._documents = datasets.documents(contract)
        self._tables = tuple(datasets.table(contract, status, name) for status, name in TABLES.items())
        self._users = datasets.users(contract)
        self._exports = datasets.exports(contract, exports)

    def of(self, dag_id: str, task_id: str) -> Flow | None:
        """The flow of a task; None: it moves no data."""
        find = TASKS.get((dag_id, task_id))
        return find(self) if find else None

    def make_topics(self) -> Flow:
        """Both topics."""
        return Flow(outputs=(Output(self._logs), Output(self._verdicts)))

    def make_tables(self) -> Flow:
        """All tables."""
        return Flow(outputs=tuple(map(Output, (*self._tables, *self._users.values()))))

    def make_index(self) -> Flow:
        """The index."""
        return Flow(outputs=(Output(self._documents),))

    def load_export(self) -> Flow:
        """Exports into the tables of the users dimension."""
        same = {name: (Source(self._exports, name, "same"),) for name in self._exports.columns}
        copies: dict[str, Copies] = {USERS_TABLE: same, HISTORY_TABLE: same}
        outputs = tuple(Output(table, copies.get(name, {})) for name, table in self._users.items())
        return Flow((self._exports,), outputs) if outputs else Flow()

    def generate(self) -> Flow:
        """The topic of the logs."""
        return Flow(outputs=(Output(self._logs),))

    def stream(self) -> Flow:
        """Logs to verdicts to rows and documents. It reads verdicts too: it loads those that it has given.

        The indexer is no task, but without the stream it has nothing to do: its output is named here.
        """
        tables = (Output(table, dict(self._loading(table))) for table in self._tables)
        documents = {name: (Source(self._verdicts, name, "same"),) for name in self._documents.columns}
        outputs = (Output(self._verdicts, dict(self._judging())), *tables, Output(self._documents, documents))
        return Flow((self._logs, *self._looked_up(), self._verdicts), outputs)

    def judge(self) -> Flow:
        """Logs to verdicts again, chosen by the rows of the earlier ones."""
        inputs = (self._logs, *self._looked_up(), *self._tables)
        return Flow(inputs, (Output(self._verdicts, dict(self._judging())),))

    def prove(self) -> Flow:
        """What it compares."""
        return Flow((self._verdicts, *self._tables, self._documents))

    def _looked_up(self) -> tuple[Dataset, ...]:
        return tuple(self._users[name] for name in (HISTORY_TABLE, VERSION_TABLE) if name in self._users)

    def _judging(self) -> Iterator[tuple[str, tuple[Source, ...]]]:
        fields = self._contract.fields
        for each in fields:
            yield each.name, (Source(self._logs, datasets.path(each.path), _parsing(each)),)
        deciding = [Source(self._logs, datasets.path(each.path), "decides") for each in fields]
        if history := self._users.get(HISTORY_TABLE):
            compared = (name for name in history.columns if name != "seen_from")
            deciding += (Source(history, name, "decides") for name in compared)
            yield "users_version", (Source(self._users[VERSION_TABLE], "version", "same"),)
        yield "status", tuple(deciding)
        yield "reasons", tuple(deciding)

    def _loading(self, table: Dataset) -> Iterator[tuple[str, tuple[Source, ...]]]:
        moved = {"kafka_partition": DOCUMENT_PARTITION, "kafka_offset": DOCUMENT_OFFSET}
        for name, kind in table.columns.items():
            how: How = "converted" if kind.startswith("DATETIME") or name == "raw" else "same"
            yield name, (Source(self._verdicts, moved.get(name, name), how),)


def _parsing(field: Field) -> How:
    return "same" if field.type == "text" else "converted"


TASKS: Final[Mapping[tuple[str, str], Callable[[Flows], Flow]]] = {
    ("bootstrap", "make_topics"): Flows.make_topics,
    ("bootstrap", "make_tables"): Flows.make_tables,
    ("bootstrap", "make_index"): Flows.make_index,
    (USERS_DAG, "load_export"): Flows.load_export,
    (GENERATE_DAG, "generate"): Flows.generate,
    (CLASSIFY_DAG, "stream"): Flows.stream,
    (REJUDGE_DAG, "judge"): Flows.judge,
    (RECONCILE_DAG, "prove"): Flows.prove,
}
"""By DAG and task. All other tasks move no data."""
