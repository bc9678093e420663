"""What a job gets on Kubernetes: code from the image, secrets from a Secret, and properties without either."""

from pathlib import Path

import pytest
import yaml

from include.driver import pods
from include.driver.submit import beside, submit_conf
from include.settings import ROOT, SECRETS, Settings
from include.stack.containers.kubernetes import objects
from tests.unit.staged import logins
from tests.unit.staged.logins import OTHERS, PASSWORDS

MASTER = "k8s://https://kubernetes.example.org:6443"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return logins.settings(tmp_path, image="registry/logsieve:1")


def test_no_property_has_a_secret_or_a_file_of_this_machine_but_the_template(settings: Settings) -> None:
    conf = submit_conf(settings, master=MASTER, deploy_mode="cluster")
    text = " ".join(value for name, value in conf.items() if not name.endswith("podTemplateFile"))
    assert not [secret for secret in (*PASSWORDS.values(), *OTHERS.values()) if secret in text]
    assert str(ROOT) not in text
    assert str(settings.state) not in text
    assert not {"spark.archives", "spark.jars", "spark.files", "spark.submit.pyFiles"} & conf.keys()
    assert not (settings.state / "cluster").exists()


def test_settings_are_the_same_in_a_pod(settings: Settings, tmp_path: Path, monkeypatch) -> None:
    files, folder = pods.secret(settings), tmp_path / "mounted"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content.replace(b"/run/logsieve", bytes(folder)))
    monkeypatch.setenv(SECRETS, str(folder))
    found = Settings()
    for name in ("kafka_security", "kafka_user", *PASSWORDS, "topic_partitions", "trigger", "executor_cores"):
        assert getattr(found, name) == getattr(settings, name), name
    assert found.kafka_ca
    assert found.kafka_ca.read_text() == "certificates"
    everything = b" ".join(files.values()).decode()
    assert not [secret for secret in OTHERS.values() if secret in everything], "a job has no use for them"


def test_what_authenticates_executors_changes_with_the_passwords_only(settings: Settings) -> None:
    def shared(**changes: object) -> bytes:
        return pods.secret(Settings.model_validate(settings.model_dump() | changes))["spark_secret"]

    assert shared() == shared(executors=5)
    assert shared() != shared(mysql_stream_password="another")
    assert shared() != shared(kafka_password="another")


def test_without_an_image_it_is_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match="LOGSIEVE_IMAGE"):
        submit_conf(settings.model_copy(update={"image": ""}), master=MASTER, deploy_mode="cluster")


def test_a_driver_beside_its_caller_is_alone_on_kubernetes_only() -> None:
    assert beside(MASTER, 2) == "local[3]"
    assert beside("yarn", 2) == "yarn"


def test_the_objects_name_what_the_properties_name(settings: Settings) -> None:
    conf = submit_conf(settings, master=MASTER, deploy_mode="cluster")
    found = [each for each in yaml.safe_load_all(objects(settings, "elsewhere")) if each]
    assert {each["metadata"]["namespace"] for each in found} == {"elsewhere"}
    accounts = {each["metadata"]["name"] for each in found if each["kind"] == "ServiceAccount"}
    for role in ("driver", "executor"):
        assert conf[f"spark.kubernetes.authenticate.{role}.serviceAccountName"] in accounts
        template = yaml.safe_load(Path(conf[f"spark.kubernetes.{role}.podTemplateFile"]).read_text())
        name = conf[f"spark.kubernetes.{role}.podTemplateContainerName"]
        assert [each["name"] for each in template["spec"]["containers"]] == [name]
    (secret,) = (each["metadata"]["name"] for each in found if each["kind"] == "Secret")
    assert conf[f"spark.kubernetes.driver.secrets.{secret}"] == conf[f"spark.executorEnv.{SECRETS}"]
