"""Access of DAGs to Elasticsearch through the Airflow connection `elasticsearch`."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch


def connect() -> "Elasticsearch":
    """A client; uses the connection's schema (http or https), host, port, login, password, and `ca_certs` in extra."""
    from elasticsearch import Elasticsearch

    from include.index.template import access

    found = BaseHook.get_connection("elasticsearch")
    url = f"{found.schema or 'http'}://{found.host}:{found.port}"
    return Elasticsearch(url, **access(found.login, found.password, found.extra_dejson.get("ca_certs")))
