"""The cluster of a stack, as seen from outside: its processes, and its applications where the driver is one of them."""

import json
import urllib.request
from typing import Any

import psutil

from tests.integration.stack import Stack, is_of

EXECUTORS = {
    "org.apache.spark.executor.CoarseGrainedExecutorBackend",
    "org.apache.spark.executor.YarnCoarseGrainedExecutorBackend",
    "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
}
ENDED = ("FINISHED", "FAILED", "KILLED", "Succeeded", "Failed")
ENDED_WELL = ("FINISHED", "Succeeded")
MANAGERS = {
    "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    "org.apache.hadoop.yarn.server.nodemanager.NodeManager",
}


def processes(stack: Stack, classes: set[str]) -> list[psutil.Process]:
    """The JVMs of this stack that run one of these classes; not the shells that started them."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "name"])
        if process.info["name"] == "java" and classes & set(process.info["cmdline"] or []) and is_of(stack, process)
    ]


def executors(stack: Stack) -> list[psutil.Process]:
    """The executors of all applications."""
    return processes(stack, EXECUTORS)


def applications(stack: Stack) -> dict[str, str]:
    """On YARN the state of the stream's applications by id, on Kubernetes the phase of its drivers' pods by name."""
    if stack.kubernetes is not None:
        return stack.kubernetes.drivers()
    address = f"http://127.0.0.1:{stack.ports['yarn_web']}/ws/v1/cluster/apps"
    with urllib.request.urlopen(address, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    apps = (found["apps"] or {}).get("app", [])
    return {app["id"]: app["state"] for app in apps if app["name"] in ("logsieve", "stream_logs")}


def running(stack: Stack) -> list[str]:
    """The ids of the stream's applications that have not ended."""
    return [name for name, state in applications(stack).items() if state not in ENDED]
