"""The steps of the one-shot containers, each run as in its container, with the servers of the embedded stack.

Kafka's is in test_containers_kafka.py. Elasticsearch's is tested by its requests: the embedded one has no users beside
those of its files.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pymysql
import pytest
import yaml

from include.settings import ROOT
from include.stack.containers import compose_env
from include.stack.servers import airflow_metadata, probes
from tests.integration.stack import PATIENCE, Stack, until

USERS = ("logsieve_airflow", "logsieve_stream", "logsieve_reader")


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder of a container's secrets, with new ones that no server knows."""
    compose_env.write_files(tmp_path / "secrets", {name: make() for name, make in compose_env.SECRETS.items()})
    return tmp_path / "secrets"


def step(stack: Stack, secrets: Path, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**stack.env.whole("reader"), "LOGSIEVE_SECRETS": str(secrets), **variables}
    command = [sys.executable, "-m", "include.stack.containers.steps", name]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE * 200)


def put(secrets: Path, name: str, text: str) -> None:
    (secrets / name).unlink()
    (secrets / name).write_text(text)


@pytest.fixture
def root_may_grant(stack: Stack) -> Iterator[None]:
    """Gives root the rights it has in the official image; in the embedded server only root at the socket has them."""
    root = pymysql.connect(
        unix_socket=str(stack.state / "mysql" / "data" / "mysql.sock"),
        user="root",
        password=stack.passwords["mysql_root"],
        autocommit=True,
    )
    with contextlib.closing(root), root.cursor() as cursor:
        cursor.execute("GRANT GRANT OPTION ON *.* TO 'root'@'127.0.0.1'")
        yield
        cursor.execute("REVOKE GRANT OPTION ON *.* FROM 'root'@'127.0.0.1'")


@pytest.mark.usefixtures("root_may_grant")
def test_mysql_users_of_other_containers_have_the_same_rights_as_local_ones(stack: Stack, secrets: Path) -> None:
    put(secrets, "mysql_root_password", stack.passwords["mysql_root"])
    try:
        for _ in range(2):
            done = step(stack, secrets, "mysql")
            assert done.returncode == 0, done.stderr
        for user in USERS:
            grants = {
                host: [grant.replace(host, "HOST") for (grant,) in stack.root_sql(f"SHOW GRANTS FOR '{user}'@'{host}'")]
                for host in ("%", "127.0.0.1")
            }
            assert grants["%"] == grants["127.0.0.1"]
    finally:
        for user in USERS:
            stack.root_sql(f"DROP USER IF EXISTS '{user}'@'%'")


def test_passwords_that_do_not_match_the_volumes_are_reported_with_the_remedy(stack: Stack, secrets: Path) -> None:
    logins = stack.state / "other-passwords.json"
    mysql = step(stack, secrets, "mysql")
    put(secrets, "airflow.json", '{"sql_alchemy_conn": "' + stack.env.metadata_url + '"}')
    wrong = stack.env.metadata_url.replace(stack.passwords["postgres"], "wrong")
    airflow = step(
        stack, secrets, "airflow", AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=wrong,
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=str(logins),
    )  # fmt: skip
    logins.unlink()
    for done, error in ((mysql, "Access denied"), (airflow, "password authentication failed")):
        assert done.returncode == 1
        assert error in done.stderr
        assert "down --volumes" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_secret_that_is_missing_is_named(stack: Stack, secrets: Path) -> None:
    (secrets / "mysql_root_password").unlink()
    done = step(stack, secrets, "mysql")
    assert done.returncode == 1
    assert "mysql_root_password cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_airflows_database_and_logins_can_be_created_again_without_harm(stack: Stack, secrets: Path) -> None:
    logins = stack.state / "airflow" / "passwords.json"
    before = logins.read_text()
    for name in ("admin", "viewer"):
        put(secrets, f"airflow_{name}_password", stack.passwords[f"airflow_{name}"])
    put(secrets, "airflow.json", '{"sql_alchemy_conn": "' + stack.env.metadata_url + '"}')
    done = step(stack, secrets, "airflow")
    assert done.returncode == 0, done.stderr
    assert logins.read_text() == before
    assert logins.stat().st_mode & 0o777 == 0o600
    assert stack.status().healthy


def test_airflows_triggers_can_be_created_again_while_airflow_locks_the_same_tables(stack: Stack) -> None:
    """Airflow has locked the last table that the file needs, and then asks for the first."""
    with (
        contextlib.closing(probes.postgres_connection(stack.env)) as airflow,
        airflow.cursor() as cursor,
        ThreadPoolExecutor() as pool,
    ):
        cursor.execute("LOCK TABLE task_instance IN ROW EXCLUSIVE MODE")
        creating = pool.submit(airflow_metadata.create_triggers, stack.env.metadata_url)

        def is_waiting() -> bool:
            cursor.execute("SELECT FROM pg_locks WHERE relation = 'task_instance'::regclass AND NOT granted")
            return cursor.fetchone() is not None

        until(is_waiting, 10, "it waits for task_instance")
        cursor.execute("LOCK TABLE dag_run IN ROW EXCLUSIVE MODE")
        airflow.commit()
        creating.result(PATIENCE * 10)


def test_bootstrap_exits_when_documents_are_in_the_index(stack: Stack, secrets: Path) -> None:
    put(secrets, "airflow_admin_password", stack.passwords["airflow_admin"])
    done = step(stack, secrets, "bootstrap")
    assert done.returncode == 0, done.stderr
    assert "Logs are sorted" in done.stdout


def test_airflow_reads_its_secrets_and_connections_from_files(stack: Stack, secrets: Path) -> None:
    """As the compose file tells it to, with nothing of them in its environment."""
    compose = yaml.safe_load((ROOT / "docker-compose.airflow.yml").read_text())["x-airflow"]["environment"]
    variables = {name: value for name, value in stack.env.whole("reader").items() if not name.startswith("AIRFLOW")}
    variables |= {
        name: value.replace("/run/secrets", str(secrets)) for name, value in compose.items() if "SECRET" in name
    }
    variables |= {"AIRFLOW_HOME": str(secrets), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    asked = "from airflow.configuration import conf; from airflow.sdk import Connection"
    asked += "; print(conf.get('database', 'sql_alchemy_conn'), conf.get('api_auth', 'jwt_secret'))"
    done = subprocess.run([sys.executable, "-c", asked], env=variables, capture_output=True, text=True)
    values = json.loads((secrets / "airflow.json").read_text())
    assert done.stdout.split()[-2:] == [values["sql_alchemy_conn"], values["jwt_secret"]], done.stderr
    listed = [sys.executable, "-m", "airflow", "connections", "get", "mysql"]
    done = subprocess.run(listed, env=variables, capture_output=True, text=True)
    assert "logsieve_airflow" in done.stdout, done.stderr
