"""Prometheus' own checker runs the alert rules on series in which each alert has its reason, or none has."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.metrics.catalogue import BY_NAME
from include.settings import ROOT, Settings
from include.stack.fetch import packages, prometheus

RULES = ROOT / "include" / "metrics" / "alerts.yaml"
CASES = Path(__file__).with_name("alerts.test.yaml")


@pytest.fixture(scope="module")
def promtool() -> Path:
    try:
        return prometheus.find(Settings().parts) / "promtool"
    except packages.PackageError as error:
        pytest.skip(f"promtool cannot be fetched: {error}")


def test_each_alert_fires_for_its_reason_and_none_without(promtool: Path, tmp_path: Path) -> None:
    cases = yaml.safe_load(CASES.read_text())
    file = tmp_path / "cases.yaml"
    file.write_text(yaml.safe_dump(cases | {"rule_files": [str(RULES)]}))
    done = subprocess.run([str(promtool), "test", "rules", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return group["rules"]


def test_every_alert_is_among_the_cases() -> None:
    text = CASES.read_text()
    assert [rule["alert"] for rule in rules() if f'alertname="{rule["alert"]}"' not in text] == []


def test_every_alert_says_what_it_is_and_what_to_do() -> None:
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]


def test_rules_use_metrics_of_the_catalogue_only() -> None:
    used = {name for rule in rules() for name in re.findall(r"logsieve_\w+", rule["expr"])}
    assert used <= set(BY_NAME)
