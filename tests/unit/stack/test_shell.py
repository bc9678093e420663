"""The environment is built from an allow-list: a hostile shell affects neither the command nor the programs."""

import json
import subprocess
from pathlib import Path

import httpx
import pytest

from include.settings import ROOT, Settings
from include.stack import environment
from include.stack.airflow.api import AirflowApi
from include.stack.environment import SECRETS, Environment
from include.stack.machine import shell
from include.stack.ports import Ports
from include.stack.servers import probes
from include.stack.servers.programs import Homes, Server, servers
from tests.hostile import HOSTILE, PROXIED

SECRET = "a-secret-of-"
WIDE = {"PATH": "/usr/bin:/bin", "HOME": "/root", "TERM": "xterm", "COLUMNS": "90", "NO_COLOR": "1"}


def made(**shells: str) -> dict[str, str]:
    return shell.for_command({**WIDE, **shells}, Path("/logsieve"), "/root")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """A stack planned in a hostile shell with a proxy, without the launcher."""
    for name, value in {**HOSTILE, **PROXIED}.items():
        if name not in ("PYTHONWARNINGS", "TMPDIR"):
            monkeypatch.setenv(name, value)
    passwords = {name: f"{SECRET}{name}" for name in (*SECRETS, "airflow_fernet")}
    ports = Ports.model_construct(**dict.fromkeys(Ports.model_fields, 1))  # no server listens on it
    return Environment(Settings(state=tmp_path / "state"), ports, passwords)


def program(env: Environment, name: str) -> Server:
    return next(server for server in servers(env, Homes()) if server.name == name)


def test_only_our_settings_pass_from_a_hostile_shell():
    passed = {name for name, value in made(**HOSTILE).items() if HOSTILE.get(name) == value}
    assert passed == {name for name in HOSTILE if name.startswith("LOGSIEVE_")} - {shell.STACK_VARIABLE}


@pytest.mark.parametrize(
    "name",
    [
        "LOGSIEVE_RATE", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_OURS_PASSWORD",
        "AIRFLOW__OPENLINEAGE__TRANSPORT", "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED",
    ],
)  # fmt: skip
def test_settings_and_package_sources_pass(name: str):
    assert made(**{name: "x"})[name] == "x"
    assert {item: made()[item] for item in WIDE} == WIDE


def test_a_name_that_no_shell_can_export_does_not_pass():
    assert "LOGSIEVE_A-B" not in made(**{"LOGSIEVE_A-B": "x"})


def test_every_spelling_of_a_folder_is_resolved_to_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "state").mkdir()
    (tmp_path / "link").symlink_to("state")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for named in ("state", "link", "~/state", "./x/../link/", str(tmp_path / "link")):
        assert made(LOGSIEVE_STATE=named)["LOGSIEVE_STATE"] == str(tmp_path / "state"), named
        assert Settings(state=Path(named)).state == tmp_path / "state", named


@pytest.mark.parametrize("path", ["", ":.:bin::", "."])
def test_a_path_without_absolute_folders_becomes_the_system_path(path: str):
    assert made(PATH=path)["PATH"] == shell.SYSTEM_PATH


def test_a_proxy_is_set_in_both_cases_and_never_for_loopback():
    found = made(HTTPS_PROXY="http://proxy:3128", no_proxy="example.org,localhost")
    assert found["https_proxy"] == found["HTTPS_PROXY"] == "http://proxy:3128"
    assert found["no_proxy"] == found["NO_PROXY"] == "example.org,localhost,127.0.0.1,::1"
    assert not {"http_proxy", "no_proxy"} & made(no_proxy="x").keys()


def test_programs_get_no_proxy_or_certificates_that_airflows_client_cannot_use(stack: Environment):
    """With these, httpx fails on every request, even on loopback."""
    found = stack.whole()
    assert found["https_proxy"] == PROXIED["HTTPS_PROXY"]
    assert not {"all_proxy", "ALL_PROXY", "SSL_CERT_FILE"} & found.keys()
    assert {"127.0.0.1", "localhost"} <= set(found["no_proxy"].split(","))


def test_the_requests_of_the_command_bypass_an_unsupported_proxy(stack: Environment):
    """With a SOCKS proxy, httpx raises ImportError even for requests that would not use it."""
    assert "does not answer tasks" in (probes.api_server(stack) or "")
    with pytest.raises(httpx.ConnectError):
        AirflowApi(stack)


def test_programs_get_no_settings_of_other_servers_from_the_shell(stack: Environment):
    for server in servers(stack, Homes()):
        found = server.environment(stack)
        assert {name for name, value in found.items() if HOSTILE.get(name) == value} == set(), server.name
        assert found[environment.STACK_VARIABLE] == str(stack.state), "`down` identifies it by this"
        assert found["LC_ALL"] == "C.UTF-8", server.name


def test_third_party_servers_get_no_credentials(stack: Environment):
    for name in ("kafka", "mysql", "elasticsearch", "postgres"):
        found = program(stack, name).environment(stack)
        assert not [each for each in found.values() if SECRET in each or "secret" in each], name
    assert "AIRFLOW_HOME" not in program(stack, "indexer").environment(stack)
    assert f"{SECRET}airflow_jwt" in program(stack, "airflow-scheduler").environment(stack).values()


def test_the_program_of_the_metrics_has_its_own_secrets_alone(stack: Environment, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=a-secret-of-mine")
    ours = {name: each.environment(stack) for name in ("metrics", "indexer", "airflow-scheduler", "watchdog")
            for each in [program(stack, name)]}  # fmt: skip
    for word in ("a-secret-of-mine", f"{SECRET}metrics"):
        assert [name for name, found in ours.items() if any(word in each for each in found.values())] == ["metrics"]
    of_readers = {f"{SECRET}{name}" for name in ("metrics", "mysql_reader", "kafka_reader", "elasticsearch_reader")}
    assert {each for each in ours["metrics"].values() if each.startswith(SECRET)} == of_readers


def test_no_option_of_elasticsearch_contains_a_path_with_spaces(stack: Environment):
    home = Path("/my logs/elasticsearch/elasticsearch-8")
    (server,) = (each for each in servers(stack, Homes(elasticsearch=home)) if each.name == "elasticsearch")
    for name in ("ES_JAVA_OPTS", "CLI_JAVA_OPTS"):
        assert "/my logs" not in server.environment(stack).get(name, ""), name


def test_elasticsearch_compiles_hot_code_with_the_optimising_compiler(stack: Environment):
    own = program(stack, "elasticsearch").environment(stack)
    command = ["java", *own["ES_JAVA_OPTS"].split(), "-XX:+PrintFlagsFinal", "-version"]
    flags = subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout.splitlines()
    (level,) = (line.split()[3] for line in flags if line.split()[1:2] == ["TieredStopAtLevel"])
    assert level == "4", "without it, a document costs nearly twice as much: docs/decisions.md"


def test_alert_connections_pass_unchanged(stack: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A connection on two lines, with all characters that a shell and supervisord interpret."""
    value = json.dumps({"password": 'it\'s 100 % "$HOME" `x` \\ ; # é'}, indent=1, ensure_ascii=False)
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_SLACK", value)
    from include.stack.run import supervisor

    words = ["/usr/bin/env", "-0"]
    server = Server("env", words, lambda env: None, 0, tmp_path, access="airflow")
    script = supervisor.write_script(stack, server)
    assert script.stat().st_mode & 0o777 == 0o600
    printed = subprocess.run(["/bin/sh", str(script)], env={}, capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in printed.split("\0") if line)
    assert found["AIRFLOW_CONN_ALERTS_SLACK"] == value
    assert {name: found[name] for name in server.environment(stack)} == server.environment(stack)


def test_the_launcher_starts_in_a_hostile_shell():
    words = [str(ROOT / "logsieve"), "doctor", "--help"]
    done = subprocess.run(words, env={**WIDE, **HOSTILE}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: ./logsieve doctor" in done.stdout
    assert "\x1b" not in done.stdout


def test_the_launcher_takes_no_module_from_the_folder_in_which_it_is_started(tmp_path: Path):
    """There may be another checkout, or a script that is named like a module of Python."""
    (tmp_path / "include").mkdir()
    for name in ("include/__init__.py", "typer.py", "random.py", "logging.py"):
        (tmp_path / name).write_text("raise SystemExit('a module of another folder')")
    for words in (["doctor", "--help"], ["compose-env", "--help"]):
        done = subprocess.run([str(ROOT / "logsieve"), *words], cwd=tmp_path, env=WIDE, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
