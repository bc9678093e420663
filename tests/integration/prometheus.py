"""A real Prometheus that scrapes a stack with our alert rules, as docs/metrics.md says to."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from include.settings import ROOT
from include.stack.ports import free
from tests.integration.stack import Stack, until

SCRAPE_SECONDS = 1


class Prometheus:
    """It, as seen through its HTTP API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer. Raises httpx.HTTPError if it refuses, as it does a query that is not PromQL."""
        answer = httpx.get(f"{self.url}/{path}", params=parameters, trust_env=False)
        return answer.raise_for_status().json()["data"]

    def values(self, query: str) -> dict[tuple[str, ...], float]:
        """The values of a query now, by the labels that the query leaves, in the order of their names."""
        found = {}
        for each in self.ask("query", query=query)["result"]:
            labels = {
                name: value for name, value in each["metric"].items() if name not in ("__name__", "job", "instance")
            }
            found[tuple(labels[name] for name in sorted(labels))] = float(each["value"][1])
        return found

    def value(self, query: str) -> float | None:
        """The only value of a query; None if it has none."""
        found = list(self.values(query).values())
        assert len(found) < 2, query
        return found[0] if found else None


@contextmanager
def scraping(stack: Stack, programs: Path, folder: Path) -> Iterator[Prometheus]:
    """Runs Prometheus until the end, once it has the first metrics."""
    (port,) = free("prometheus").values()
    config = folder / "prometheus.yml"
    job = {
        "job_name": "logsieve",
        "scrape_interval": "5s",
        "scrape_timeout": "5s",
        "authorization": {"credentials_file": str(stack.state / "metrics-token")},
        "static_configs": [{"targets": [f"127.0.0.1:{stack.ports['metrics']}"]}],
    }
    rules = [str(ROOT / "include" / "metrics" / "alerts.yaml")]
    text = yaml.safe_dump({"global": {"evaluation_interval": "1s"}, "rule_files": rules, "scrape_configs": [job]})
    config.write_text(text)
    log = folder / "prometheus.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [
                str(programs / "prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=file, stderr=file,
        )  # fmt: skip
    made = Prometheus(port)

    def scrapes() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return made.value('up{job="logsieve"}') == 1
        except httpx.HTTPError:
            return False

    try:
        until(scrapes, 20, "Prometheus has scraped the stack")
        yield made
    finally:
        process.terminate()
        process.wait(30)
