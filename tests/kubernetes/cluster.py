"""Kubernetes for an embedded stack: a namespace with its objects, and a way from its pods to the stack's servers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from include.driver.pods import CONTAINER, TEMPLATE
from include.settings import Settings
from include.stack.containers.kubernetes import objects
from include.stack.environment import STACK_VARIABLE
from tests.integration.stack import Stack
from tests.kubernetes.build import Built
from tests.kubernetes.layout import ADDRESS
from tests.kubernetes.node import Node

NAMESPACE: Final = "logsieve"
FORWARD: Final = Path(__file__).with_name("forward.py")
CPUS: Final = "0.1"
"""What each pod reserves: the stack's servers are here too."""
MIB: Final = 64
"""Of a forwarder."""


class Cluster:
    """What a stack submits to, and its pods."""

    def __init__(self, node: Node, built: Built) -> None:
        self.node, self._image = node, built.image

    def prepare(self, stack: Stack) -> None:
        """Makes the namespace and its accounts, and tells the stack."""
        self.node.kubectl("create", "namespace", NAMESPACE)
        self._apply(Settings())  # with a Secret that is not right yet: nobody has the stack's passwords
        template = self.node.layout.run / "pod.yaml"
        template.write_text(yaml.safe_dump(self._template(stack)))
        stack.variables |= {
            "LOGSIEVE_KUBECONFIG": str(self.node.log_in(NAMESPACE, "logsieve-airflow")),
            "LOGSIEVE_IMAGE": self._image,
            "LOGSIEVE_POD_TEMPLATE": str(template),
            "LOGSIEVE_POD_CPUS": CPUS,
            "no_proxy": f"example.org,{ADDRESS}",
        }
        stack.kubernetes = self
        os.environ["LOGSIEVE_KUBECONFIG"] = stack.variables["LOGSIEVE_KUBECONFIG"]  # of tests that act as the command

    def hand_over(self, stack: Stack) -> None:
        """Writes the Secret of a stack whose servers run, as an operator does."""
        done = stack.run("kubernetes", "--namespace", NAMESPACE)
        assert done.returncode == 0, done.stderr
        self.node.kubectl("apply", "-f", "-", input=done.stdout)

    def pods(self, role: str) -> list[dict[str, Any]]:
        """Spark's pods of a role that live."""
        return self.node.pods(NAMESPACE, role)

    def drivers(self) -> dict[str, str]:
        """The phases of all drivers' pods by name."""
        text = self.kubectl(
            "get",
            "pods",
            "-l",
            "spark-role=driver",
            "-o",
            "jsonpath={range .items[*]}{.metadata.name} {.status.phase}{'\\n'}{end}",
        )
        return dict(line.split() for line in text.splitlines())  # type: ignore[misc]

    def found(self, folder: str, name: str) -> list[Path]:
        """The files of this name below a folder of the driver's state."""
        (driver,) = (pod["metadata"]["name"] for pod in self.pods("driver"))
        search = ("find", f"/opt/logsieve/state/{folder}", "-name", name)
        return [Path(line) for line in self.kubectl("exec", driver, "-c", CONTAINER, "--", *search).splitlines()]

    def kubectl(self, *words: str) -> str:
        """Runs kubectl in the namespace."""
        return self.node.kubectl("-n", NAMESPACE, *words)

    def _apply(self, settings: Settings) -> None:
        self.node.kubectl("apply", "-f", "-", input=objects(settings, NAMESPACE))

    def _template(self, stack: Stack) -> dict[str, Any]:
        """Our template of pods with a forwarder in each: the servers are on the loopback of this machine."""
        template: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text())
        (spark,) = template["spec"]["containers"]
        assert spark["name"] == CONTAINER
        # By it the tests find the processes of pods among those of this machine.
        spark["env"] = [{"name": STACK_VARIABLE, "value": str(stack.state)}]
        program = ["/usr/bin/dumb-init", "--", "python", "-c", FORWARD.read_text(), "127.0.0.1", ADDRESS]
        resources = {"cpu": "10m", "memory": f"{MIB}Mi"}
        template["spec"]["initContainers"] = [
            {
                "name": "forward",
                "image": self._image,
                "imagePullPolicy": "Never",
                "restartPolicy": "Always",  # beside the others, not before them
                "command": [*program, *map(str, servers(stack))],
                "securityContext": spark["securityContext"],
                "resources": {"requests": resources, "limits": {"memory": resources["memory"]}},
            }
        ]
        return template


def servers(stack: Stack) -> list[int]:
    """The ports that the stream needs."""
    return [stack.ports["kafka"], stack.ports["mysql"]]


@contextmanager
def forwarding(stack: Stack) -> Iterator[None]:
    """Makes the servers answer on the bridge's address, which only this machine and its pods reach."""
    command = [sys.executable, str(FORWARD), ADDRESS, "127.0.0.1", *map(str, servers(stack))]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
