"""The settings of docs/cluster.md for Airflow on more than one machine are settings that Airflow has."""

import configparser
import re
from pathlib import Path

from include.settings import ROOT, Settings

DOCS = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
NAMED = re.findall(r"^AIRFLOW__(\w+?)__(\w+)=", DOCS, re.MULTILINE)
OF_PROVIDERS = {("celery_broker_transport_options", "visibility_timeout")}
"""Of a provider that is not installed, and not among Airflow's own notes on its settings: read in Celery's 3.26."""


def test_airflow_knows_every_setting_for_more_machines(airflow_home: None) -> None:
    import airflow
    from airflow.configuration import conf

    notes = configparser.ConfigParser(interpolation=None)
    notes.read(Path(airflow.__path__[0]) / "config_templates" / "provider_config_fallback_defaults.cfg")
    unknown = set()
    for section, option in ((section.lower(), option.lower()) for section, option in NAMED):
        own = conf.configuration_description.get(section, {}).get("options", {})
        if option not in own and not notes.has_option(section, option) and (section, option) not in OF_PROVIDERS:
            unknown.add((section, option))
    assert len(NAMED) > 20
    assert unknown == set()


def test_no_setting_is_named_twice() -> None:
    assert sorted(set(NAMED) - {("CORE", "EXECUTOR")}) == sorted(each for each in NAMED if each != ("CORE", "EXECUTOR"))


def test_the_executors_are_airflows(airflow_home: None) -> None:
    from airflow.executors.executor_loader import ExecutorLoader

    for name in re.findall(r"^AIRFLOW__CORE__EXECUTOR=(\w+)$", DOCS, re.MULTILINE):
        assert name in ExecutorLoader.executors


def test_our_settings_named_for_more_machines_are_ours() -> None:
    section = DOCS[DOCS.index("## Airflow on more than one machine") :]
    section = section[: section.index("\n## ", 1)]
    named = set(re.findall(r"LOGSIEVE_([A-Z_]+)", section))
    assert len(named) >= 4
    assert named - {"AIRFLOW_CHART"} <= {name.upper() for name in Settings.model_fields}, "that one is for the tests"


def test_only_the_dag_that_removes_files_knows_a_folder_of_its_machine() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "dags").glob("*.py")}
    knows = {name for name, text in texts.items() if re.search(r"\bPath\(|ettings(\(\))?\.(state|scratch)\b", text)}
    assert knows == {"expire_runs"}
