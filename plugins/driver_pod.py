"""The pod of a driver on Kubernetes: how it is, how it ended and its last words. Nothing starts it again by itself."""

import logging
import time
from functools import cached_property
from typing import Any, Final

from include.driver.pods import CONTAINER
from include.settings import Settings

POLL_SECONDS: Final = 2
NOT_FOUND: Final = "NotFound"
"""Beside the phases of pods: somebody has deleted it."""

_ENDED: Final = ("Succeeded", "Failed")
_TIMEOUTS: Final = (5, 30)
"""Seconds to connect to the API server, and until it answers."""
_LAST_LINES: Final = 50

log = logging.getLogger(__name__)


class DriverPod:
    """One pod, read as often as asked. While the API server does not answer, it waits."""

    def __init__(self, settings: Settings, external_id: str) -> None:
        self._settings = settings
        self.namespace, self.name = external_id.split(":", 1)

    def settle(self) -> str:
        """Returns the pod's phase, or NOT_FOUND. If it has ended, logs its last lines and removes it."""
        pod = self._read()
        if pod is None:
            return NOT_FOUND
        if pod.status.phase in _ENDED:
            self._remove()
        return str(pod.status.phase)

    def wait(self) -> None:
        """Waits until the driver has ended; logs its last lines, and removes the pod.

        Raises RuntimeError, with the exit code if there is one, unless the driver ended with 0.
        """
        told = ""
        while (pod := self._read()) is not None and pod.status.phase not in _ENDED:
            if (found := _describe(pod)) != told:
                log.info("%s: %s", self.name, found)
                told = found
            time.sleep(POLL_SECONDS)
        if pod is None:
            raise RuntimeError(f"the driver's pod {self.name} was deleted")
        self._remove()
        if pod.status.phase == "Failed":
            raise RuntimeError(f"the driver's pod {self.name} {_ended(pod)}")

    def _read(self) -> Any:
        """The pod; None if it was deleted."""
        return self._ask("read_namespaced_pod")

    def _remove(self) -> None:
        # Decoded here: the client would return how Python writes bytes.
        options = {"container": CONTAINER, "tail_lines": _LAST_LINES, "_preload_content": False}
        answer = self._ask("read_namespaced_pod_log", **options)
        lines = "" if answer is None else answer.data.decode(errors="replace")
        log.info("The last lines of %s:\n%s", self.name, lines)
        self._ask("delete_namespaced_pod")

    def _ask(self, what: str, **options: Any) -> Any:
        """The API server's answer; None if it knows no such pod. Raises ApiException if it refuses."""
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        told = False
        while True:
            try:
                return getattr(self._api, what)(self.name, self.namespace, _request_timeout=_TIMEOUTS, **options)
            except ApiException as error:
                if error.status == 404:
                    return None
                if error.status < 500:
                    raise
                trouble: Exception = error
            except HTTPError as error:
                trouble = error
            if not told:
                log.warning("Kubernetes does not answer. The driver goes on. %s", trouble)
                told = True
            time.sleep(POLL_SECONDS)

    @cached_property
    def _api(self) -> Any:
        from kubernetes import client, config

        configuration = client.Configuration()
        named = {"config_file": str(self._settings.kubeconfig)} if self._settings.kubeconfig else {}
        config.load_config(client_configuration=configuration, **named)
        return client.CoreV1Api(client.ApiClient(configuration))


def _state(pod: Any) -> Any:
    """The state of Spark's container; None before the node has begun with it."""
    return next((each.state for each in pod.status.container_statuses or () if each.name == CONTAINER), None)


def _describe(pod: Any) -> str:
    """The phase, and what a pod that does not run waits for."""
    state = _state(pod)
    if state is not None and state.waiting:
        return f"{pod.status.phase}, {state.waiting.reason}: {state.waiting.message or ''}".rstrip(": ")
    refused = [each.message for each in pod.status.conditions or () if each.reason == "Unschedulable"]
    return ", ".join([str(pod.status.phase), *refused])


def _ended(pod: Any) -> str:
    state = _state(pod)
    if state is None or state.terminated is None:
        return f"ended: {pod.status.reason} {pod.status.message or ''}".rstrip()
    return f"exited with {state.terminated.exit_code} ({state.terminated.reason})"
