"""What is outside as the DAGs reach it: through the Airflow connections `kafka`, `mysql` and `elasticsearch`."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from include.clients.outside import SEARCH_SECONDS, Account, Outside, elasticsearch
from include.names import USERS_DATABASE
from plugins.mysql_hook import SocketHook

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch


class Connections(Outside):
    """Looks up a connection only when one of its clients is made. Every MySQL account is that of its connection."""

    def __init__(self) -> None:  # needs no settings
        pass

    @property
    def kafka(self) -> dict[str, Any]:
        """The extra of the connection: librdkafka's options."""
        options: dict[str, Any] = BaseHook.get_connection("kafka").extra_dejson
        return options

    def mysql(self, account: Account = "airflow", *, seconds: float | None = None, autocommit: bool = False) -> Any:
        """A connection made by our hook, without a time limit."""
        connection = SocketHook().get_conn()
        if autocommit:
            connection.autocommit = True
        return connection

    def users(self) -> Any:
        """A mysql.connector connection to the users database that may load local files."""
        return SocketHook(schema=USERS_DATABASE, local_infile=True).get_conn()

    def search(self, seconds: float = SEARCH_SECONDS, retries: int = 3) -> "Elasticsearch":
        """A client by the connection's schema (http or https), host, port, login, password, and `ca_certs` in extra."""
        found = BaseHook.get_connection("elasticsearch")
        url = f"{found.schema or 'http'}://{found.host}:{found.port}"
        return elasticsearch(url, found.login, found.password, found.extra_dejson.get("ca_certs"), seconds, retries)
