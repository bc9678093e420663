"""The values for Airflow's Helm chart, held against the code and the docs; tests/kubernetes renders the chart."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from include.driver import pods, shipping
from include.settings import ROOT, SECRETS, Settings

FOLDER = ROOT / "include" / "stack" / "containers"
VALUES: dict[str, Any] = yaml.safe_load((FOLDER / "helm-values.yaml").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.airflow.yml").read_text(encoding="utf-8"))["x-airflow"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IMAGE = dict(re.findall(r"(\w+)=(\S+)", "".join(re.findall(r"^ENV ((?:.*\\\n)*.*)", DOCKERFILE, re.MULTILINE))))
OBJECTS = list(yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text(encoding="utf-8").replace("$", "")))
DOCS = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
SECTION = DOCS[DOCS.index("### With Helm") :].partition("\n## ")[0]
GENERAL = DOCS[DOCS.index("## Airflow on more than one machine") :].partition("With Celery")[0]
API_SERVER, TASKS = VALUES["apiServer"], VALUES["workers"]["kubernetes"]
FIELDS = {f"LOGSIEVE_{name.upper()}" for name in Settings.model_fields}


def variables(*given: list[dict[str, str]]) -> dict[str, str]:
    return {each["name"]: each["value"] for entries in given for each in entries}


def documented() -> dict[str, set[str]]:
    """The keys of each Secret that a person makes."""
    found: dict[str, set[str]] = {}
    for secret, keys in re.findall(r"^ *\| `([\w-]+)` \| (`.*?`) \|", SECTION, re.MULTILINE):
        found.setdefault(secret, set()).update(re.findall(r"`([^`]+)`", keys))
    return found


def mounted(volumes: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Secret and key of each file that these volumes name."""
    for volume in volumes:
        of_secrets = [each["secret"] for each in volume.get("projected", {}).get("sources", [])]
        for secret in [*of_secrets, *([volume["secret"]] if "secret" in volume else [])]:
            name = secret.get("secretName") or secret["name"]
            yield from ((name, item["key"]) for item in secret.get("items", [{"key": ""}]))


def test_the_image_is_ours_with_its_airflow_user_and_folders():
    version = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements-image.txt").read_text(), re.MULTILINE)
    assert version
    assert VALUES["defaultAirflowTag"] == VALUES["airflowVersion"] == version[1]
    assert VALUES["defaultAirflowRepository"].endswith("/logsieve-airflow")
    assert f"USER {VALUES['securityContexts']['pod']['runAsUser']}:0" in DOCKERFILE
    paths = {each["name"]: each["mountPath"] for each in VALUES["volumeMounts"]}
    assert paths["state"] == IMAGE["LOGSIEVE_STATE"]
    folder = VALUES["config"]["logging"]["dag_processor_child_process_log_directory"]
    logs = IMAGE["AIRFLOW__LOGGING__BASE_LOG_FOLDER"]
    assert all(each.startswith(f"{paths['state']}/") for each in (folder, logs))
    assert not {"dags_folder", "plugins_folder"} & VALUES["config"]["core"].keys()
    assert {"AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER"} <= IMAGE.keys()


def test_a_pod_has_as_few_rights_as_those_of_the_stream():
    template = yaml.safe_load(pods.TEMPLATE.read_text())["spec"]
    assert VALUES["securityContexts"]["containers"] == template["containers"][0]["securityContext"]
    assert VALUES["securityContexts"]["pod"].items() >= template["securityContext"].items()
    assert VALUES["enableServiceLinks"] is False


def test_its_variables_are_settings():
    given = variables(
        VALUES["env"], API_SERVER["env"], yaml.safe_load(VALUES["extraEnv"].replace("{{", "'{{").replace("}}", "}}'"))
    )
    assert given.keys() - {SECRETS} <= FIELDS
    assert {name for name in COMPOSE["environment"] if name.startswith("LOGSIEVE_")} - {
        "LOGSIEVE_MYSQL_PORT"
    } < given.keys()
    assert not [name for name in given if "PASSWORD" in name]


def test_its_servers_make_whole_settings(monkeypatch: pytest.MonkeyPatch):
    for name in FIELDS:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables(VALUES["env"]).items():
        monkeypatch.setenv(name, value)
    assert Settings().kafka_bootstrap == "kafka.example.org:9093"
    keys = documented()["logsieve-page"] - {"passwords.json"}
    for name, value in {**variables(API_SERVER["env"]), **dict.fromkeys(map(str.upper, keys), "secret")}.items():
        monkeypatch.setenv(name, value)
    reader = Settings()
    assert reader.kafka_logs_in
    assert (
        reader.elasticsearch_password.get_secret_value() == reader.mysql_reader_password.get_secret_value() == "secret"
    )


def test_a_task_submits_as_our_account_with_the_settings_of_the_stream():
    accounts = {each["metadata"]["name"] for each in OBJECTS if each["kind"] == "ServiceAccount"}
    assert TASKS["serviceAccount"] == {"create": False, "name": "logsieve-airflow"}
    assert TASKS["serviceAccount"]["name"] in accounts
    assert (pods.SECRET, "") in mounted(TASKS["extraVolumes"])
    files = shipping.settings_files(Settings(), "/run/logsieve")
    assert not files.keys() & {key for _, key in mounted(TASKS["extraVolumes"])}, "no file comes from two Secrets"


def test_the_folder_of_secrets_is_where_they_are_mounted():
    folder = variables(VALUES["env"])[SECRETS]
    for component in (API_SERVER, TASKS):
        (mount,) = component["extraVolumeMounts"]
        assert mount["mountPath"] == folder
        assert mount["readOnly"] is True
        assert [each["name"] for each in component["extraVolumes"]] == [mount["name"]]
    # A certificate's path is in the Secret: include/driver/shipping.py.
    assert folder == pods.conf(Settings(image="any"))[f"spark.kubernetes.driverEnv.{SECRETS}"]


def test_every_secret_and_key_is_one_that_the_docs_make():
    keys = documented()
    volumes = [*VALUES["volumes"], *API_SERVER["extraVolumes"], *TASKS["extraVolumes"]]
    for secret, key in mounted(volumes):
        assert secret in {*keys, pods.SECRET}
        assert not key or key in keys[secret], key
    named = {VALUES["data"]["metadataSecretName"], *(VALUES[name] for name in VALUES if name.endswith("SecretName"))}
    assert named == {VALUES["jwtSecretName"]} == {"logsieve-airflow"}
    assert {"connection", "fernet-key", "api-secret-key", "jwt-secret", "connections.json"} == keys["logsieve-airflow"]
    assert "logsieve-state" in SECTION


def test_connections_and_logins_are_read_where_they_are_mounted():
    paths = {each["name"]: each["mountPath"] for each in VALUES["volumeMounts"]}
    config = VALUES["config"]
    assert config["secrets"]["backend"] == COMPOSE["environment"]["AIRFLOW__SECRETS__BACKEND"]
    given = json.loads(config["secrets"]["backend_kwargs"])
    assert given == {"connections_file_path": f"{paths['connections']}/connections.json"}
    copied = f"install -m 600 {variables(VALUES['env'])[SECRETS]}/passwords.json {paths['tmp']} "
    assert copied in API_SERVER["args"][-1]
    assert config["core"]["simple_auth_manager_passwords_file"] == f"{paths['tmp']}/passwords.json"


def test_airflow_is_set_as_in_the_compose_file():
    others = {"base_url", "simple_auth_manager_passwords_file", "backend_kwargs"}
    theirs = COMPOSE["environment"]
    for section, options in VALUES["config"].items():
        for option, value in options.items():
            name = f"AIRFLOW__{section}__{option}".upper()
            assert isinstance(value, str), f"{name}: Helm would write a large number as a power of ten"
            if name in theirs and option not in others:
                assert value == theirs[name], name


def test_the_docs_name_no_setting_for_more_machines_that_is_missing():
    named = re.findall(r"^AIRFLOW__(\w+?)__(\w+)=", GENERAL, re.MULTILINE)
    by_the_chart = {"SQL_ALCHEMY_CONN", "FERNET_KEY", "SECRET_KEY", "JWT_SECRET", "EXECUTION_API_SERVER_URL"}
    by_the_image = {"DAGS_FOLDER", "PLUGINS_FOLDER"}
    assert len(named) > 10
    for section, option in named:
        if section != "LOGGING" and option not in by_the_chart | by_the_image:  # all pods share the folder of logs
            assert option.lower() in VALUES["config"][section.lower()], f"{section} {option}"
