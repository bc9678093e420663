"""What our tasks read and write, for OpenLineage's provider: docs/lineage.md.

The provider imports this if lineage is switched on; nobody else does. AIRFLOW__OPENLINEAGE__EXTRACTORS names it.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from airflow.providers.openlineage.extractors.base import DefaultExtractor, OperatorLineage
from openlineage.client.event_v2 import Dataset
from openlineage.client.facet_v2 import column_lineage_dataset, schema_dataset
from openlineage.client.naming import dataset as naming

from include.contract import reading
from include.lineage import datasets
from include.lineage.flows import Copies, Flow, Flows, How, Source
from include.settings import Settings

Lineage = OperatorLineage[Dataset, Any]
_HOW: Final[dict[How, tuple[str, str]]] = {
    "same": ("DIRECT", "IDENTITY"),
    "converted": ("DIRECT", "TRANSFORMATION"),
    "decides": ("INDIRECT", "CONDITIONAL"),
}
"""The type and subtype of a transformation."""
_SCHEMES: Final = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}


class Extractor(DefaultExtractor):
    """Extracts our tasks; of other tasks of these classes, what the provider would extract."""

    @classmethod
    def get_operator_classnames(cls) -> list[str]:
        """The classes of the operators of our tasks that move data."""
        return ["_PythonDecoratedOperator", "MySqlOperator", "StreamOperator", "ReportingJobOperator"]

    def _execute_extraction(self) -> Lineage | None:
        return of_task(self.operator.dag_id, self.operator.task_id) or super()._execute_extraction()

    def extract_on_complete(self, task_instance: Any) -> Lineage | None:
        """See the provider. The contract may be another one by now."""
        found = of_task(self.operator.dag_id, self.operator.task_id)
        return found or super().extract_on_complete(task_instance)

    def extract_on_failure(self, task_instance: Any) -> Lineage | None:
        """See the provider."""
        found = of_task(self.operator.dag_id, self.operator.task_id)
        return found or super().extract_on_failure(task_instance)


def of_task(dag_id: str, task_id: str) -> Lineage | None:
    """The lineage of a task by the contract that is in effect now; None: it is not ours, or moves no data."""
    settings = Settings()
    flow = Flows(reading.of(settings), settings.accounts_exports).of(dag_id, task_id)
    return _lineage(flow, Names(settings)) if flow else None


class Names:
    """What OpenLineage calls our datasets: by the addresses in the settings, without logins.

    Its rules do not mention Elasticsearch: there we follow their pattern for servers with host and port.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def of(self, dataset: datasets.Dataset) -> tuple[str, str]:
        """Namespace and name."""
        match dataset.store:
            case "kafka":
                # Of several brokers, the first: so do OpenLineage's own integrations.
                host, _, port = self._settings.kafka_bootstrap.split(",")[0].strip().rpartition(":")
                return _named(naming.Kafka(host, port, dataset.name))
            case "mysql":
                settings, (database, table) = self._settings, dataset.name.split(".")
                return _named(naming.MySQL(settings.mysql_host, str(settings.mysql_port), database, table))
            case "elasticsearch":
                found = urlsplit(self._settings.elasticsearch_url)
                return f"elasticsearch://{found.netloc.rpartition('@')[2]}", dataset.name
            case "file":
                found = urlsplit(dataset.name)
                if found.scheme in ("", "file"):
                    return _named(naming.LocalFileSystem(found.path))
                # Airflow's URLs may name a connection before the bucket.
                bucket = found.netloc.rpartition("@")[2]
                return f"{_SCHEMES.get(found.scheme, found.scheme)}://{bucket}", found.path.strip("/") or "/"


def _named(found: naming.DatasetNaming) -> tuple[str, str]:
    return found.get_namespace(), found.get_name()


def _lineage(flow: Flow, names: Names) -> Lineage:
    def dataset(found: datasets.Dataset, copies: Copies | None = None) -> Dataset:
        fields = [schema_dataset.SchemaDatasetFacetFields(name, kind) for name, kind in found.columns.items()]
        facets: dict[str, Any] = {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}
        if copies:
            lines = {
                column: column_lineage_dataset.Fields([_source(each, names) for each in sources])
                for column, sources in copies.items()
            }
            facets["columnLineage"] = column_lineage_dataset.ColumnLineageDatasetFacet(fields=lines)
        return Dataset(*names.of(found), facets=facets)

    return Lineage(
        inputs=[dataset(each) for each in flow.inputs],
        outputs=[dataset(each.dataset, each.copies) for each in flow.outputs],
    )


def _source(source: Source, names: Names) -> column_lineage_dataset.InputField:
    how = column_lineage_dataset.Transformation(*_HOW[source.how])
    return column_lineage_dataset.InputField(*names.of(source.dataset), source.column, [how])
