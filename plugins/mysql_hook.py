"""Airflow's MySQL hook, operator and sensor, by the Unix socket that the connection names as `unix_socket` in extra.

With mysql-connector-python the provider's hook takes nothing from the extra but `ssl_…`.
"""

from typing import TYPE_CHECKING, Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.common.sql.sensors.sql import SqlSensor
from airflow.providers.mysql.hooks.mysql import MySqlHook

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

CONNECTION = "mysql"


class SocketHook(MySqlHook):
    """The hook of the connection `mysql`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(mysql_conn_id=CONNECTION, **kwargs)

    def get_conn(self) -> Any:
        """A mysql.connector connection; without `unix_socket`, as the provider makes it."""
        found = self.get_connection(CONNECTION)
        socket = found.extra_dejson.get("unix_socket")
        if not socket:
            return super().get_conn()
        import mysql.connector  # takes 0.2 s, too long for a DAG's file

        return mysql.connector.connect(
            unix_socket=socket,
            user=found.login,
            password=found.password,
            database=self.schema or found.schema,
            allow_local_infile=self.local_infile,
        )


class MySqlOperator(SQLExecuteQueryOperator):
    """Executes SQL on this connection."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(conn_id=CONNECTION, **kwargs)

    def get_db_hook(self) -> "DbApiHook":
        """See BaseSQLOperator, which provides for other hooks here."""
        return SocketHook()


class MySqlSensor(SqlSensor):
    """Waits on this connection until a query selects true."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(conn_id=CONNECTION, **kwargs)

    def _get_hook(self) -> "DbApiHook":
        return SocketHook()
