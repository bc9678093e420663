"""A client for the calls of Airflow's REST API that the command needs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

import httpx


class Place(Protocol):
    """The address and passwords of an Airflow; the embedded stack's Environment is one."""

    @property
    def airflow_url(self) -> str:
        """Base URL without a trailing slash."""

    @property
    def passwords(self) -> Mapping[str, str]:
        """Passwords by user, including `airflow_admin`."""


class AirflowApi:
    """A logged-in client. Every call raises httpx.HTTPError if Airflow does not answer or rejects the request."""

    def __init__(self, place: Place) -> None:
        self._http = httpx.Client(base_url=place.airflow_url, timeout=30, trust_env=False)  # never through a proxy
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
        """Unpauses the DAG."""
        self._call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Triggers a run and returns its id."""
        run = self._call("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def end_run(self, dag_id: str, run_id: str) -> None:
        """Marks a run as successful, which stops its tasks."""
        self._call("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": "success"})

    def last_run(self, dag_id: str) -> dict[str, Any] | None:
        """The newest run (state, start_date, dag_run_id and more), or None."""
        found = self.runs(dag_id, limit=1)
        return found[0] if found else None

    def runs(self, dag_id: str, limit: int, *states: str) -> list[dict[str, Any]]:
        """The newest runs in these states, newest first; empty for an unknown DAG."""
        query = {"limit": limit, "order_by": "-id", "state": states}
        try:
            found: list[dict[str, Any]] = self._call("GET", f"/dags/{dag_id}/dagRuns", params=query)["dag_runs"]
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.NOT_FOUND:
                raise
            return []
        return found

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """The DAG's record (is_paused, is_stale, has_import_errors and more), or None for an unknown DAG."""
        try:
            found: dict[str, Any] = self._call("GET", f"/dags/{dag_id}")
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.NOT_FOUND:
                raise
            return None
        return found

    def is_scheduled(self) -> bool:
        """Whether a scheduler is running."""
        return bool(self._call("GET", "/monitor/health")["scheduler"]["status"] == "healthy")

    def pool(self, name: str) -> dict[str, Any] | None:
        """The pool's record (slots, occupied_slots and more), or None if it does not exist."""
        found = self._call("GET", "/pools", params={"limit": 1000})["pools"]
        return next((pool for pool in found if pool["name"] == name), None)

    def tasks_at_work(self) -> int:
        """Number of running and queued tasks of all DAGs."""
        query = {"state": ["running", "queued"], "limit": 1}
        return int(self._call("GET", "/dags/~/dagRuns/~/taskInstances", params=query)["total_entries"])

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any] | None:
        """A task instance (state, try_number, pool, start_date, scheduled_when and more); None if not created yet."""
        found = self._call("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances")["task_instances"]
        return next((task for task in found if task["task_id"] == task_id), None)

    def task_log(self, dag_id: str, run_id: str, task_id: str, number: int) -> list[str]:
        """The log lines of one try. Exceptions are appended to the line that they belong to."""
        place = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}/logs/{number}"
        content = self._call("GET", place, headers={"Accept": "application/json"})["content"]
        lines = []
        for line in content:
            failed = [] if isinstance(line, str) else [error["exc_value"] for error in line.get("error_detail") or ()]
            lines.append(line if isinstance(line, str) else " ".join([line["event"], *map(str, failed)]))
        return lines

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
