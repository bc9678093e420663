"""The steps of the one-shot containers, each run as in its container, with the servers of the embedded stack."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import pymysql
import pytest

from include.settings import ROOT
from tests.integration.stack import PATIENCE, Stack

USERS = ("logsieve_airflow", "logsieve_stream", "logsieve_reader")


def step(stack: Stack, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**stack.env.whole("reader"), **variables}
    command = [sys.executable, "-m", "include.stack.containers.steps", name]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE * 200)


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
def test_mysql_users_of_other_containers_have_the_same_rights_as_local_ones(stack: Stack) -> None:
    passwords = {"MYSQL_ROOT_PASSWORD": stack.passwords["mysql_root"], "MYSQL_AIRFLOW_PASSWORD": "of-a-container"}
    try:
        for _ in range(2):
            done = step(stack, "mysql", **passwords)
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


def test_passwords_that_do_not_match_the_volumes_are_reported_with_the_remedy(stack: Stack) -> None:
    mysql = step(stack, "mysql", MYSQL_ROOT_PASSWORD="wrong", MYSQL_AIRFLOW_PASSWORD="any")
    url = stack.env.metadata_url.replace(stack.passwords["postgres"], "wrong")
    logins = stack.state / "other-passwords.json"
    airflow = step(
        stack,
        "airflow",
        AIRFLOW_ADMIN_PASSWORD="any",
        AIRFLOW_VIEWER_PASSWORD="any",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=url,
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=str(logins),
    )
    logins.unlink()
    for done, error in ((mysql, "Access denied"), (airflow, "password authentication failed")):
        assert done.returncode == 1
        assert error in done.stderr
        assert "down --volumes" in done.stderr
        assert "Traceback" not in done.stderr


def test_airflows_database_and_logins_can_be_created_again_without_harm(stack: Stack) -> None:
    logins = stack.state / "airflow" / "passwords.json"
    before = logins.read_text()
    passwords = {f"AIRFLOW_{name.upper()}_PASSWORD": stack.passwords[f"airflow_{name}"] for name in ("admin", "viewer")}
    done = step(stack, "airflow", **passwords)
    assert done.returncode == 0, done.stderr
    assert logins.read_text() == before
    assert logins.stat().st_mode & 0o777 == 0o600
    assert stack.status().healthy


def test_bootstrap_exits_when_documents_are_in_the_index(stack: Stack) -> None:
    done = step(stack, "bootstrap", AIRFLOW_ADMIN_PASSWORD=stack.passwords["airflow_admin"])
    assert done.returncode == 0, done.stderr
    assert "Logs are sorted" in done.stdout
