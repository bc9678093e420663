"""The one-shot containers of docker-compose.airflow.yml run `python -m include.stack.containers.steps STEP`.

Every step is idempotent: it keeps what exists, adds what is missing, and updates changed passwords.
"""

import json
import os
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import mysql.connector
from confluent_kafka import KafkaException
from elasticsearch import AuthenticationException, Elasticsearch
from mysql.connector import errorcode

from include import retries
from include.clients.outside import Outside
from include.driver import stream_verdict
from include.driver.stream_verdict import StreamVerdict
from include.index import take_over, template
from include.names import INDEX
from include.settings import SECRETS, Settings
from include.source.accounts import Accounts, ensure_export
from include.stack.airflow import stream_facts
from include.stack.airflow.api import AirflowApi
from include.stack.containers.compose_env import COMMAND
from include.stack.errors import StackError
from include.stack.run import up
from include.stack.servers import airflow_metadata, kafka_users, mysql_users
from include.watch.troubles import TroubleError

INDEX_SECONDS: Final = 300
KAFKA_SECONDS: Final = 120
REMEDY: Final = (
    "If a password is rejected: volumes keep the passwords of their first start. Restore that .env.compose, or"
    f" delete all data with {COMMAND} down --volumes"
)


@dataclass(frozen=True)
class Airflow:
    """Address and login of Airflow, for AirflowApi."""

    airflow_url: str
    passwords: dict[str, str]


def secret(name: str) -> str:
    """The text of a secret's file, such as `mysql_root_password`. Raises StackError if this container has none."""
    file = Path(os.environ.get(SECRETS, "/run/secrets"), name)
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise StackError(
            f"The secret {file} cannot be read: {error.strerror}.", "Run ./logsieve compose-env"
        ) from error


def _passwords(server: str, *users: str) -> dict[str, str]:
    return {f"{server}_{user}": secret(f"{server}_{user}_password") for user in users}


def mysql_accounts() -> None:
    """Creates the MySQL users, who may connect from any container.

    Raises StackError if MySQL rejects root, and mysql.connector.Error if it does not answer.
    """
    settings, passwords = Settings(), _passwords("mysql", "airflow", "stream", "reader")
    server = {"host": settings.mysql_host, "port": settings.mysql_port}
    try:
        connection = mysql.connector.connect(**server, user="root", password=secret("mysql_root_password"))
    except mysql.connector.Error as error:
        if error.errno != errorcode.ER_ACCESS_DENIED_ERROR:
            raise
        raise StackError(f"MySQL refuses root: {error.msg}", REMEDY) from error
    with closing(connection), closing(connection.cursor()) as cursor:
        for statement in mysql_users.remote(passwords):
            cursor.execute(statement)


def kafka_accounts() -> None:
    """Creates Kafka's users and rights. Raises StackError if Kafka does not answer in time, or refuses the login."""
    passwords = _passwords("kafka", "admin", *(user.removeprefix("logsieve_") for user in kafka_users.RIGHTS))

    def create() -> None:
        kafka_users.ensure(Settings().kafka_bootstrap, secret("kafka_broker_password"), passwords)

    try:
        retries.retry(create, KAFKA_SECONDS, lambda error: isinstance(error, KafkaException))
    except KafkaException as error:
        message = f"Kafka refuses {kafka_users.BROKER}, or does not answer: {error.args[0].str()}"
        raise StackError(message, f"See {COMMAND} logs kafka") from error


def search() -> None:
    """Creates the alias and the template of its indices, which Logstash does not.

    Takes over the index of an earlier version. Raises StackError if Elasticsearch refuses.
    """
    login, shape = ("logsieve_airflow", secret("elasticsearch_airflow_password")), template.Shape.of(Settings())
    with Elasticsearch(Settings().elasticsearch_url, basic_auth=login, max_retries=10, retry_on_timeout=True) as client:
        try:
            take_over.take_over(client, print, shape)
            template.ensure(client, shape)
        except TroubleError as error:
            remedy = error.trouble.remedy
            if isinstance(error.__cause__, AuthenticationException):
                remedy = f"After a change of .env.compose: ./logsieve compose-env, then {COMMAND} up --force-recreate"
            raise StackError(f"{login[0]}: {error.trouble.sentence}", remedy) from error


def airflow() -> None:
    """Migrates Airflow's database, and writes its logins and today's accounts export, which the first load needs."""
    settings, logins = Settings(), Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    airflow_metadata.write_logins(logins, _passwords("airflow", "admin", "viewer"))
    airflow_metadata.migrate(json.loads(secret("airflow.json"))["sql_alchemy_conn"], os.environ, REMEDY)
    if not settings.accounts_path:
        ensure_export(settings.accounts_exports, datetime.now(UTC).date(), Accounts.of(settings))


def bootstrap() -> None:
    """Unpauses the DAGs, runs `bootstrap`, and waits until the index contains documents.

    Raises StackError if a DAG does not parse, `bootstrap` fails, or the index stays empty.
    """
    url = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    place = Airflow(url, _passwords("airflow", "admin"))
    run_id = up.trigger_bootstrap(place, {})

    def verdict() -> StreamVerdict:
        return stream_verdict.assess(*stream_facts.facts(place, Outside(Settings()), os.environ))

    up.wait_for_run(place, run_id, print, print, verdict)
    late = StackError("The index stays empty.", f"See {COMMAND} logs indexer logstash")
    with Outside(Settings()).search() as client:
        found = retries.until(lambda: client.count(index=INDEX)["count"], INDEX_SECONDS, lambda _: late)
    api = AirflowApi(place)
    for dag_id in up.LAST:
        api.unpause(dag_id)
    print(f"Logs are sorted: rows are in the three tables, {found} documents in the index.")  # noqa: T201


STEPS: Final = {
    "kafka": kafka_accounts,
    "mysql": mysql_accounts,
    "search": search,
    "airflow": airflow,
    "bootstrap": bootstrap,
}


def main() -> None:
    """Runs the named step. An expected failure prints one message with its remedy and exits with 1."""
    try:
        STEPS[sys.argv[1]]()
    except StackError as error:
        sys.exit(f"{error.message}\n→ {error.remedy}")


if __name__ == "__main__":
    main()
