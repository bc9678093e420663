"""The few calls of Airflow's REST API that the command needs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import httpx


class Place(Protocol):
    """Where Airflow is, and its logins; the embedded stack's Environment is one."""

    @property
    def airflow_url(self) -> str:
        """Without a slash at its end."""

    @property
    def passwords(self) -> Mapping[str, str]:
        """With that of `airflow_admin`."""


class AirflowApi:
    """A logged-in client. Every call raises httpx.HTTPError when Airflow is away or says no."""

    def __init__(self, place: Place) -> None:
        self._http = httpx.Client(base_url=place.airflow_url, timeout=30, trust_env=False)  # never by a proxy
        login = {"username": "admin", "password": place.passwords["airflow_admin"]}
        token = self._http.post("/auth/token", json=login).raise_for_status().json()["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def dags(self) -> dict[str, bool]:
        """Whether each parsed DAG is paused, by its id."""
        found = self._call("GET", "/dags", params={"limit": 100})["dags"]
        return {dag["dag_id"]: dag["is_paused"] for dag in found}

    def import_errors(self) -> list[str]:
        """The DAG files that could not be parsed, each with the last line of its error."""
        found = self._call("GET", "/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in found]

    def unpause(self, dag_id: str) -> None:
        """Lets the DAG run."""
        self._call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Starts a run and gives its id."""
        made = self._call("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf})
        return str(made["dag_run_id"])

    def end_run(self, dag_id: str, run_id: str) -> None:
        """Marks a run as successful, which ends its tasks."""
        self._call("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": "success"})

    def last_run(self, dag_id: str) -> dict[str, Any] | None:
        """State, start and id of the newest run, or None."""
        found = self._call("GET", f"/dags/{dag_id}/dagRuns", params={"limit": 1, "order_by": "-id"})["dag_runs"]
        return found[0] if found else None

    def run_state(self, dag_id: str, run_id: str) -> str:
        """queued, running, success or failed."""
        state: str = self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
        return state

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """State of each task of a run, in the order they started."""
        found = self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        found.sort(key=lambda task: task["start_date"] or datetime.max.isoformat())
        return {task["task_id"]: task["state"] for task in found}

    def _call(self, method: str, path: str, **options: Any) -> Any:
        return self._http.request(method, f"/api/v2{path}", **options).raise_for_status().json()
