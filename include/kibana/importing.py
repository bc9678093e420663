"""Kibana's dashboard: `python -m include.kibana.importing` prints its saved objects, `--import URL` imports them."""

import argparse
import logging
import ssl
import sys
from typing import Any, Final

import httpx

from include import retries
from include.contract import reading
from include.kibana.objects import ndjson
from include.settings import Settings

PATIENCE_SECONDS: Final = 300
"""How long Kibana may take to start: it answers 503 until its own indices are ready."""
PAUSE_SECONDS: Final = 2.0
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})

log = logging.getLogger(__name__)


class ImportRefusedError(Exception):
    """Kibana did not accept the saved objects; the message has the cause and the remedy."""


class _NotReadyError(RuntimeError):
    """Kibana may answer later."""


def import_objects(
    url: str, settings: Settings, patience: float = PATIENCE_SECONDS, pause: float = PAUSE_SECONDS
) -> int:
    """Import the saved objects, overwriting existing ones, and return their number.

    Waits while Kibana does not answer or is not ready. Logs in with the Elasticsearch account of `settings`, because
    Kibana authenticates against Elasticsearch. Raises ImportRefusedError.
    """
    user, password = settings.elasticsearch_user, settings.elasticsearch_password.get_secret_value()
    verify = ssl.create_default_context(cafile=settings.elasticsearch_ca) if settings.elasticsearch_ca else True
    objects = ndjson(reading.current())
    with httpx.Client(auth=(user, password) if user else None, verify=verify, timeout=60) as client:

        def send() -> httpx.Response:
            try:
                answer = client.post(
                    f"{url.rstrip('/')}/api/saved_objects/_import",
                    params={"overwrite": "true"},
                    headers={"kbn-xsrf": "logsieve"},
                    files={"file": ("server-logs.ndjson", objects.encode(), "application/ndjson")},
                )
            except httpx.TransportError as error:
                raise _NotReadyError(str(error) or type(error).__name__) from error
            if answer.status_code in _BUSY:
                raise _NotReadyError(f"{answer.status_code} {answer.text[:200]}")
            return answer

        def is_to_come(error: BaseException) -> bool:
            if not isinstance(error, _NotReadyError):
                return False
            log.info("Kibana at %s is not ready: %s", url, error)
            return True

        try:
            return _imported(url, retries.retry(send, patience, is_to_come, pause=pause))
        except _NotReadyError as why:
            message = f"Kibana at {url} did not become ready in {patience:g} s ({why}). Is it up?"
            raise ImportRefusedError(message) from why


def _imported(url: str, answer: httpx.Response) -> int:
    if answer.status_code in {401, 403}:
        raise ImportRefusedError(
            f"Kibana at {url} refused the login ({answer.status_code}). Set LOGSIEVE_ELASTICSEARCH_USER and"
            " LOGSIEVE_ELASTICSEARCH_PASSWORD to an account that may write saved objects"
        )
    try:
        result: dict[str, Any] = answer.json()
    except ValueError:
        result = {}
    if answer.status_code != httpx.codes.OK or "successCount" not in result:
        raise ImportRefusedError(
            f"{url} answered {answer.status_code} {answer.text[:500]}. Is it the address of Kibana 8?"
        )
    if not result.get("success"):
        errors = [f"{each.get('type')} {each.get('id')}: {each.get('error')}" for each in result.get("errors", ())]
        raise ImportRefusedError(f"Kibana at {url} refused saved objects: {'; '.join(errors)}. Is it 8.9 or newer?")
    return int(result["successCount"])


def main() -> None:
    """Print the saved objects or, with --import URL, import them; exits with 1 if Kibana refuses them."""
    parser = argparse.ArgumentParser(prog="python -m include.kibana.importing", description=__doc__)
    parser.add_argument("--import", dest="url", metavar="URL", help="address of Kibana, e.g. http://127.0.0.1:5601")
    parser.add_argument(
        "--seconds", type=float, default=PATIENCE_SECONDS, help="how long to wait until Kibana is ready"
    )
    options = parser.parse_args()
    if not options.url:
        sys.stdout.write(ndjson(reading.current()))
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        count = import_objects(options.url, Settings(), options.seconds)
    except ImportRefusedError as error:
        sys.exit(str(error))
    log.info("%d saved objects are in Kibana: %s/app/dashboards", count, options.url.rstrip("/"))


if __name__ == "__main__":
    main()
