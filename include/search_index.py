"""The index in Elasticsearch: its template and its mapping, put in place by whoever comes first."""

import json
from pathlib import Path
from typing import Any, Final

from elasticsearch import BadRequestError, Elasticsearch

from include.names import INDEX
from include.settings import ROOT, Settings

TEMPLATE_FILE: Final = ROOT / "include" / "search" / "server-logs.json"
REQUEST_SECONDS: Final = 30


def connect(settings: Settings) -> Elasticsearch:
    """A client that raises at the first failure: whoever uses it decides what is tried again, and when."""
    return Elasticsearch(
        settings.elasticsearch_url,
        max_retries=0,
        request_timeout=REQUEST_SECONDS,
        **access(
            settings.elasticsearch_user,
            settings.elasticsearch_password.get_secret_value(),
            settings.elasticsearch_ca,
        ),
    )


def access(user: str | None, password: str | None, ca: Path | str | None) -> dict[str, Any]:
    """What a client needs to log in and to check the server's certificate; what is empty is left out."""
    login: dict[str, Any] = {"basic_auth": (user, password)} if user else {}
    return login | ({"ca_certs": str(ca)} if ca else {})


def template() -> dict[str, Any]:
    """The index template: index_patterns, and below template the settings and the strict mappings."""
    body: dict[str, Any] = json.loads(TEMPLATE_FILE.read_text(encoding="utf-8"))
    return body


def ensure_index(client: Elasticsearch) -> None:
    """Put the template, and make the index or bring its mapping up to date; again and again does no harm.

    Raises RuntimeError when the index there has another mapping, and what the client raises when the server fails.
    """
    body = template()
    client.indices.put_index_template(name=INDEX, **body)
    if not client.indices.exists(index=INDEX):
        # Two may come at once: then the second finds the index made, from the same template.
        client.options(ignore_status=400).indices.create(index=INDEX)
    try:
        client.indices.put_mapping(index=INDEX, **body["template"]["mappings"])
    except BadRequestError as error:
        raise RuntimeError(
            f"The index {INDEX} has another mapping than {TEMPLATE_FILE.name}: {error.message}: "
            f"{error.body}. Delete or reindex it, then start again"
        ) from error
