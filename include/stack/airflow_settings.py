"""Airflow's own settings in the embedded stack, as the variables AIRFLOW__….

Those of its metadata, its log and its connections are in environment.py.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from include import addresses
from include.settings import ROOT
from include.stack.machine.programs import HOST

_BUNDLES: Final = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"


def variables(
    home: Path, url: str, port: int, passwords: Mapping[str, str], own_dags: Path | None = None
) -> dict[str, str]:
    """The variables. `home`: Airflow's folder; `url`: its base URL, on this port; `own_dags`: the user's folder."""
    folders = (
        {} if own_dags is None else {_BUNDLES: json.dumps([_bundle("dags-folder"), _bundle("own-dags", own_dags)])}
    )
    return {
        **folders,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__FERNET_KEY": passwords["airflow_fernet"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": passwords["airflow_api"],
        "AIRFLOW__API_AUTH__JWT_SECRET": passwords["airflow_jwt"],
        # Twelve hours, a working day: nobody can withdraw a token, and by default it is good for a day and a night.
        "AIRFLOW__API_AUTH__JWT_EXPIRATION_TIME": "43200",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # Changed files are parsed at once regardless; parsing all every 30 s costs a third of a core.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        # A task that starts before the API server retries instead of failing.
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "20",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "4",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        # The API server takes 14 to 19 s to restart. With a shorter timeout, running tasks would count as lost, and
        # their drivers would be replaced. include/stack/run/lost_tasks.py detects tasks whose worker was killed.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "40",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
        # Delay of reporting a killed task's exit, while its driver still holds the pipes open.
        "AIRFLOW__WORKERS__SOCKET_CLEANUP_TIMEOUT": "2",
        # Only used if a transport is set: docs/lineage.md.
        "AIRFLOW__OPENLINEAGE__EXTRACTORS": "plugins.lineage.Extractor",
        # The stream keeps running while the API server is down.
        "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "1000",
    }


def metrics(statsd: str) -> dict[str, str]:
    """The variables that make Airflow send its own metrics to `statsd`, host and port; none if it is empty."""
    if not statsd:
        return {}
    host, port = addresses.split(statsd)
    return {
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": host,
        "AIRFLOW__METRICS__STATSD_PORT": str(port),
    }


def _bundle(name: str, folder: Path | None = None) -> dict[str, object]:
    """A folder of DAGs; without `folder`, that of the setting above."""
    path = {} if folder is None else {"path": str(folder)}
    return {"name": name, "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": path}
