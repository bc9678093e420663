"""Airflow's official Helm chart with our values, as Helm renders it. Helm is built from its Go module, once."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from include.settings import ROOT, Settings
from include.stack.fetch import parts
from tests.kubernetes.build import go

VARIABLE: Final = "LOGSIEVE_AIRFLOW_CHART"
"""Names the chart, a folder or an archive: it is not ours, and no registry has it."""
VALUES: Final = ROOT / "include" / "stack" / "containers" / "helm-values.yaml"
MODULE: Final = Path(__file__).with_name("helm")
HELM: Final = "helm.sh/helm/v3/cmd/helm"
TASK: Final = Path(__file__).with_name("task.py")
HOME: Final = "/opt/airflow"
"""AIRFLOW_HOME of the chart."""


def render(chart: str, namespace: str) -> str:
    """What `helm install` sends to the API server, with the objects of its hooks."""
    words = ["template", "airflow", chart, "--namespace", namespace, "--values", str(VALUES)]
    done = subprocess.run([str(_helm()), *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pod_of_a_task(files: dict[str, str], home: Path) -> dict[str, Any]:
    """The pod that Airflow's executor makes with these files of Airflow's ConfigMap. `home`: an empty folder."""
    for name, place in (
        ("airflow.cfg", "airflow.cfg"),
        ("pod_template_file.yaml", "pod_templates/pod_template_file.yaml"),
    ):
        (home / place).parent.mkdir(exist_ok=True)
        (home / place).write_text(files[name].replace(f" = {HOME}", f" = {home}"))
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    done = subprocess.run(
        [sys.executable, str(TASK)], env=variables | {"AIRFLOW_HOME": str(home)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def _helm() -> Path:
    sources = b"".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))
    target = Settings().parts / f"helm-{hashlib.sha256(sources).hexdigest()[:12]}"
    if not target.exists():
        with parts.whole(target) as folder:
            go(MODULE, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(folder / "helm"), HELM)
    return target / "helm"
