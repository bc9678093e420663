"""The contestants: the command of each, and how the bench detects that it is done."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.limits import LIMITS
from include.driver.submit import submit_conf, variables
from include.settings import ROOT
from include.stack import engines
from include.stack.engines import Engine
from include.stack.environment import Environment


@dataclass(frozen=True)
class Contestant:
    """A program that is measured. `hops` (status, rows, documents): it is done once every log is in all of them.

    `leaves` (rows, messages, documents): its outputs, each with one entry per log, of the right status. `is_fed`:
    whether the verdicts are already in the status topic when it starts. `executors`: on a cluster, how many.
    """

    name: str
    title: str
    arguments: tuple[str, ...]
    hops: frozenset[str]
    leaves: tuple[str, ...]
    is_fed: bool = False
    engine: Engine = "local"
    executors: int = 0

    @property
    def needs_indexer(self) -> bool:
        """Whether the indexer runs beside it."""
        return "documents" in self.hops and not self.is_fed

    def command(self, env: Environment) -> list[str]:
        """The command that starts it; for Spark the same as Airflow's operator uses (plugins/spark_job.py).

        On a cluster it also writes what the application takes along.
        """
        program, *rest = self.arguments
        if not program.endswith(".py"):
            return [sys.executable, "-m", program, *rest]
        settings = env.reaching().model_copy(update={"executors": max(self.executors, 1)})
        master = engines.master(self.engine, env.ports, settings)
        mode = str(engines.connection_extra(self.engine, env.ports, settings)["deploy-mode"])
        words = [str(Path(sys.executable).parent / "spark-submit"), "--master", master]
        for key, value in submit_conf(settings, master=master, deploy_mode=mode).items():
            words += ["--conf", f"{key}={value}"]
        return [*words, "--name", self.name, "--deploy-mode", mode, str(ROOT / program), *rest]

    def variables(self, env: Environment) -> dict[str, str]:
        """The variables of its process."""
        if self.engine == "local":
            return env.whole()
        master = engines.master(self.engine, env.ports, env.reaching())
        return variables(env.reaching(), env.whole(), master) | {"LOGSIEVE_EXECUTORS": str(self.executors)}


_STREAM: Final = "jobs/stream_logs.py"
_BOTH: Final = frozenset({"status", "rows"})
_DOCUMENTS: Final = frozenset({"documents"})
_VERDICTS: Final = ("rows", "messages")


def _logsieve(trigger: str) -> tuple[str, ...]:
    return (_STREAM, "--trigger", trigger, "--owner", "bench")


REALTIME: Final = Contestant("realtime", "Logsieve, real-time", _logsieve("realtime"), _BOTH, _VERDICTS)
INTERVAL: Final = Contestant("interval", "Logsieve, interval", _logsieve("interval"), _BOTH, _VERDICTS)
INDEXED: Final = Contestant(
    "indexed",
    "Logsieve, real-time, and the indexer",
    _logsieve("realtime"),
    _BOTH | _DOCUMENTS,
    (*_VERDICTS, "documents"),
)
# It writes to Kafka at the end of each batch, after its rows are committed.
BASELINE: Final = Contestant("baseline", "baseline", ("bench/baseline.py",), frozenset({"status"}), _VERDICTS)
HAND_WRITTEN: Final = Contestant("hand_written", "hand-written", ("bench.hand_written",), _BOTH, _VERDICTS)
_CONSUME, _LOAD_DATA, _COPY, _BULK = LIMITS
CONSUME: Final = Contestant("consume", "limit: consume", ("bench.limits", _CONSUME), frozenset({"rows"}), ())
LOAD_DATA: Final = Contestant(
    "load_data", "limit: LOAD DATA", ("bench.limits", _LOAD_DATA), frozenset({"rows"}), ("rows",)
)
COPY: Final = Contestant("copy", "limit: copy", ("bench.limits", _COPY), _BOTH, ("rows",))
INDEXER: Final = Contestant(
    "indexer", "the indexer alone", ("include.index.indexer",), _DOCUMENTS, ("documents",), is_fed=True
)
BULK: Final = Contestant(
    "bulk", "limit: the client's bulk helper", ("bench.limits", _BULK), _DOCUMENTS, ("documents",), is_fed=True
)

ALL: Final = (BASELINE, HAND_WRITTEN, REALTIME, INTERVAL, INDEXED, INDEXER, CONSUME, LOAD_DATA, COPY, BULK)
