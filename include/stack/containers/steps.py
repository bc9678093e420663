"""The one-shot containers of docker-compose.airflow.yml run `python -m include.stack.containers.steps STEP`.

Every step is idempotent: it keeps what exists, adds what is missing, and updates changed passwords.
"""

import os
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import mysql.connector
from elasticsearch import AuthenticationException, Elasticsearch
from mysql.connector import errorcode

from include import retries
from include.clients.outside import Outside
from include.driver import stream_verdict
from include.driver.stream_verdict import StreamVerdict
from include.index.template import ensure_index
from include.names import INDEX
from include.settings import Settings
from include.source.accounts import Accounts, ensure_export
from include.stack.airflow import stream_facts
from include.stack.airflow.api import AirflowApi
from include.stack.containers.compose_env import COMMAND
from include.stack.errors import StackError
from include.stack.run import up
from include.stack.servers import airflow_metadata, mysql_users

INDEX_SECONDS: Final = 180
SEARCH_ROLE: Final = "logsieve"
REMEDY: Final = (
    "If a password is rejected: volumes keep the passwords of their first start. Restore that .env.compose, or"
    f" delete all data with {COMMAND} down --volumes"
)


@dataclass(frozen=True)
class Airflow:
    """Address and login of Airflow, for AirflowApi."""

    airflow_url: str
    passwords: dict[str, str]


def mysql_accounts() -> None:
    """Creates the MySQL users, who may connect from any container.

    Raises StackError if MySQL rejects root, and mysql.connector.Error if it does not answer.
    """
    settings = Settings()
    passwords = {
        "mysql_airflow": os.environ["MYSQL_AIRFLOW_PASSWORD"],
        "mysql_stream": settings.mysql_stream_password.get_secret_value(),
        "mysql_reader": settings.mysql_reader_password.get_secret_value(),
    }
    server = {"host": settings.mysql_host, "port": settings.mysql_port}
    try:
        connection = mysql.connector.connect(**server, user="root", password=os.environ["MYSQL_ROOT_PASSWORD"])
    except mysql.connector.Error as error:
        if error.errno != errorcode.ER_ACCESS_DENIED_ERROR:
            raise
        raise StackError(f"MySQL refuses root: {error.msg}", REMEDY) from error
    with closing(connection), closing(connection.cursor()) as cursor:
        for statement in mysql_users.statements(passwords, host="%", root=False):
            cursor.execute(statement)


def search() -> None:
    """Creates Elasticsearch's users, and the index, which Logstash does not create.

    Raises StackError if Elasticsearch rejects `elastic`, and its client's errors if it does not answer.
    """
    settings = Settings()
    with Elasticsearch(
        settings.elasticsearch_url,
        basic_auth=("elastic", os.environ["ELASTIC_PASSWORD"]),
        # It answers before the index of its users is writable.
        max_retries=10,
        retry_on_timeout=True,
    ) as client:
        try:
            client.security.change_password(username="kibana_system", password=os.environ["KIBANA_SYSTEM_PASSWORD"])
        except AuthenticationException as error:
            raise StackError(f"Elasticsearch refuses elastic: {error.message}", REMEDY) from error
        client.security.put_role(
            name=SEARCH_ROLE,
            cluster=["monitor", "manage_index_templates"],
            indices=[{"names": [f"{INDEX}*"], "privileges": ["all"]}],
        )
        client.security.put_user(
            username=settings.elasticsearch_user,
            password=settings.elasticsearch_password.get_secret_value(),
            roles=[SEARCH_ROLE],
        )
    with Outside(settings).search() as ours:
        ensure_index(ours)


def airflow() -> None:
    """Migrates Airflow's database, and writes its logins and today's accounts export, which the first load needs."""
    settings = Settings()
    passwords = {f"airflow_{name}": os.environ[f"AIRFLOW_{name.upper()}_PASSWORD"] for name in ("admin", "viewer")}
    airflow_metadata.write_logins(Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]), passwords)
    airflow_metadata.migrate(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], os.environ, REMEDY)
    if not settings.accounts_path:
        accounts = Accounts(settings.seed, settings.accounts)
        ensure_export(settings.accounts_exports, datetime.now(UTC).date(), accounts)


def bootstrap() -> None:
    """Unpauses the DAGs, runs `bootstrap`, and waits until the index contains documents.

    Raises StackError if a DAG does not parse, `bootstrap` fails, or the index stays empty.
    """
    url = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    place = Airflow(url, {"airflow_admin": os.environ["AIRFLOW_ADMIN_PASSWORD"]})
    run_id = up.trigger_bootstrap(place, {})

    def verdict() -> StreamVerdict:
        return stream_verdict.assess(*stream_facts.facts(place, Outside(Settings()), os.environ))

    up.wait_for_run(place, run_id, print, print, verdict)
    late = StackError("The index stays empty.", f"See {COMMAND} logs logstash")
    with Outside(Settings()).search() as client:
        found = retries.until(lambda: client.count(index=INDEX)["count"], INDEX_SECONDS, lambda _: late)
    api = AirflowApi(place)
    for dag_id in up.LAST:
        api.unpause(dag_id)
    print(f"Logs are sorted: rows are in the three tables, {found} documents in the index.")  # noqa: T201


STEPS: Final = {"mysql": mysql_accounts, "search": search, "airflow": airflow, "bootstrap": bootstrap}


def main() -> None:
    """Runs the named step. An expected failure prints one message with its remedy and exits with 1."""
    try:
        STEPS[sys.argv[1]]()
    except StackError as error:
        sys.exit(f"{error.message}\n→ {error.remedy}")


if __name__ == "__main__":
    main()
