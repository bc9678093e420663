"""What a job takes along to a cluster: everything that it needs, and secrets only in files of its own user."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from include.contract import reading
from include.driver.shipping import SETTINGS
from include.driver.submit import submit_conf, variables
from include.settings import ROOT, SECRETS, Settings
from tests.unit.staged import logins
from tests.unit.staged.logins import OTHERS, PASSWORDS

CLUSTERS = [("yarn", "cluster"), ("yarn", "client"), ("spark://127.0.0.1:7077", "client")]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return logins.settings(tmp_path, topic_partitions=8)


def archives(conf: dict[str, str]) -> dict[str, Path]:
    """The archives that driver and executors unpack, by the folder that each becomes."""
    found = [each.split("#") for each in conf["spark.archives"].split(",")]
    return {folder: Path(unquote(path).removeprefix("file://")) for path, folder in found}


@pytest.mark.parametrize(("master", "mode"), CLUSTERS)
def test_no_secret_is_a_property_and_the_file_with_them_is_private(settings: Settings, master: str, mode: str) -> None:
    conf = submit_conf(settings, master=master, deploy_mode=mode)
    for secret in (*PASSWORDS.values(), *OTHERS.values()):
        assert secret not in " ".join(conf.values())
    file = archives(conf)[SETTINGS]
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    content = b"".join(zipfile.ZipFile(file).read(name) for name in zipfile.ZipFile(file).namelist()).decode()
    assert all(secret in content for secret in PASSWORDS.values())
    assert not any(secret in content for secret in OTHERS.values()), "a job has no use for them"


def test_settings_are_the_same_on_the_cluster(settings: Settings, tmp_path: Path, monkeypatch) -> None:
    conf = submit_conf(settings, master="yarn", deploy_mode="cluster")
    for name in [name for name in os.environ if name.startswith("LOGSIEVE_")]:
        monkeypatch.delenv(name)
    node = tmp_path / "node"
    zipfile.ZipFile(archives(conf)[SETTINGS]).extractall(node / SETTINGS)
    monkeypatch.chdir(node)
    monkeypatch.setenv(SECRETS, conf[f"spark.yarn.appMasterEnv.{SECRETS}"])
    found = Settings()
    for name in ("kafka_security", "kafka_user", *PASSWORDS, "topic_partitions", "trigger", "executor_cores"):
        assert getattr(found, name) == getattr(settings, name), name
    assert found.kafka_ca
    assert found.kafka_ca.read_text() == "certificates"
    assert conf[f"spark.executorEnv.{SECRETS}"] == conf[f"spark.yarn.appMasterEnv.{SECRETS}"]


def test_the_packages_suffice_without_the_folders_of_this_machine(settings: Settings, tmp_path: Path) -> None:
    packages = submit_conf(settings, master="yarn", deploy_mode="cluster")["spark.submit.pyFiles"]
    code = "import jobs.stream_logs, jobs.rejudge_logs; from include.settings import Settings; print(Settings().state)"
    variables = {"PYTHONPATH": packages, "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", code], env=variables, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / ".state"), "files belong in the working folder"


def test_a_driver_beside_its_caller_reads_the_contract_of_its_caller(settings: Settings, tmp_path: Path) -> None:
    packages = submit_conf(settings, master="spark://127.0.0.1:7077", deploy_mode="client")["spark.submit.pyFiles"]
    code = (
        f"import sys; sys.path.insert(0, {packages!r}); from include.contract import reading; print(reading.current())"
    )
    given = variables(settings, {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}, "spark://127.0.0.1:7077")
    done = subprocess.run([sys.executable, "-c", code], env=given, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(reading.load(settings.contract))


def test_a_changed_setting_leaves_the_files_of_a_running_application(settings: Settings) -> None:
    before = submit_conf(settings, master="yarn", deploy_mode="cluster")
    assert submit_conf(settings, master="yarn", deploy_mode="cluster") == before
    changed = settings.model_copy(update={"topic_partitions": 9})
    after = submit_conf(changed, master="yarn", deploy_mode="cluster")
    assert archives(after)[SETTINGS] != archives(before)[SETTINGS]
    assert archives(before)[SETTINGS].exists()


def test_a_packed_python_is_unpacked_on_every_node(settings: Settings) -> None:
    packed = settings.model_copy(update={"executor_python": "hdfs://name/python-3.11.tar.gz"})
    conf = submit_conf(packed, master="yarn", deploy_mode="cluster")
    assert "hdfs://name/python-3.11.tar.gz#environment" in conf["spark.archives"].split(",")
    assert conf["spark.pyspark.python"] == "environment/bin/python"
    there = settings.model_copy(update={"executor_python": "/opt/python/bin/python3"})
    assert submit_conf(there, master="yarn")["spark.pyspark.python"] == "/opt/python/bin/python3"
    assert submit_conf(settings, master="yarn")["spark.pyspark.python"] == sys.executable


def test_a_setting_that_does_not_work_there_is_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match=r"LOGSIEVE_MYSQL_CA.*leave it out"):
        submit_conf(settings.model_copy(update={"mysql_ca": settings.kafka_ca}), master="yarn")


def test_one_machine_needs_none_of_it(settings: Settings) -> None:
    conf = submit_conf(settings, master="local[3]", deploy_mode="client")
    assert not {"spark.archives", "spark.jars", "spark.submit.pyFiles"} & conf.keys()
    assert not (settings.state / "cluster").exists()
