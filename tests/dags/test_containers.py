"""What docker-compose.airflow.yml, the Dockerfile and the values for Helm tell Airflow are settings that it has."""

import re

import yaml

from include.settings import ROOT


def test_airflow_knows_every_setting_of_the_containers(airflow_home: None) -> None:
    from airflow.configuration import conf

    compose = yaml.safe_load((ROOT / "docker-compose.airflow.yml").read_text(encoding="utf-8"))
    image = re.findall(r"AIRFLOW__\w+(?==)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    named = {name for name in [*compose["x-airflow"]["environment"], *image] if name.startswith("AIRFLOW__")}
    unknown = set()
    for name in named:
        section, option = name.lower().removeprefix("airflow__").split("__")
        if (section, from_file := option.removesuffix("_secret")) in conf.sensitive_config_values:
            option = from_file  # Airflow asks the backend of its secrets for these only
        if option not in conf.configuration_description.get(section, {}).get("options", {}):
            unknown.add(name)
    assert len(named) > 20
    assert unknown == set()


def test_airflow_knows_every_setting_of_the_helm_values(airflow_home: None) -> None:
    from airflow.configuration import conf

    file = ROOT / "include" / "stack" / "containers" / "helm-values.yaml"
    config = yaml.safe_load(file.read_text(encoding="utf-8"))["config"]
    for section, options in config.items():
        assert options.keys() <= conf.configuration_description[section]["options"].keys(), section
    assert sum(map(len, config.values())) > 10
