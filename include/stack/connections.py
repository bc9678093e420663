"""Airflow's connections to the servers of the embedded stack."""

import json
from collections.abc import Mapping

from include.clients import kafka
from include.settings import Settings
from include.stack import folders
from include.stack.machine.programs import HOST
from include.stack.ports import Ports

AIRFLOW_USER = "logsieve_airflow"
"""The account of the DAGs in Kafka, MySQL and Elasticsearch."""


def variables(
    ports: Ports,
    passwords: Mapping[str, str],
    settings: Settings,
    spark_master: str,
    spark_extra: dict[str, str],
) -> dict[str, str]:
    """The variables AIRFLOW_CONN_…. `settings`: the DAGs', with the addresses of the stack's servers."""
    metadata = folders.postgres_address(settings, ports)
    kafka_extra = {
        **kafka.native(settings),
        "group.id": "logsieve-airflow",
        "auto.offset.reset": "latest",
        "enable.auto.commit": False,
    }
    mysql_extra = {"client": "mysql-connector-python", "charset": "utf8mb4"}
    if settings.mysql_socket:
        mysql_extra["unix_socket"] = settings.mysql_socket
    connections: dict[str, dict[str, object]] = {
        "mysql": {
            "conn_type": "mysql", "host": HOST, "port": ports.mysql, "login": AIRFLOW_USER,
            "password": passwords["mysql_airflow"], "extra": mysql_extra,
        },
        "kafka": {"conn_type": "kafka", "extra": kafka_extra},
        "spark": {"conn_type": "spark", "host": spark_master, "extra": spark_extra},
        "elasticsearch": {
            "conn_type": "elasticsearch", "host": HOST, "port": ports.elasticsearch, "schema": "http",
            "login": AIRFLOW_USER, "password": passwords["elasticsearch_airflow"],
        },
        # For the DAG expire_runs: Airflow gives tasks no access to its metadata.
        "metadata": {
            "conn_type": "postgres", "host": metadata[0], "port": metadata[1], "login": "airflow",
            "password": passwords["postgres"], "schema": "postgres",
        },
    }  # fmt: skip
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(parts) for name, parts in connections.items()}
