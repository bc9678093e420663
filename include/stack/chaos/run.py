"""The chaos run: sends known logs through a separate stack while killing every part of it, then counts them."""

import os
import random
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from include.contract import reading
from include.names import (
    DOCUMENT_OFFSET,
    DOCUMENT_PARTITION,
    GENERATE_DAG,
    INDEX,
    INDEXER_GROUP,
    LOGS_TOPIC,
    STATUS_TOPIC,
)
from include.settings import ROOT, Settings
from include.source.accounts import Accounts
from include.stack import environment
from include.stack.airflow.api import AirflowApi
from include.stack.chaos import count, killer, victims
from include.stack.chaos.count import Result
from include.stack.chaos.known_logs import KnownLogs
from include.stack.engines import Embedded
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.ports import free_ports
from include.stack.run import status
from include.stack.run.status import CLIENT_ERRORS
from include.stack.run.up import programs_of, wipe
from include.topics import hops

SECONDS_PER_KILL = 20
"""Sending time in seconds per kill, if no rate is given."""
PAUSE_SECONDS = (2.0, 12.0)
"""The shortest and longest random pause between a new verdict and the next kill."""
RECOVERY_SECONDS = 300
"""Timeout in seconds for a new verdict, or for a process to kill; then the run fails."""
DRAIN_SECONDS = 600
RESERVED_PER_KILL = 40
"""Logs reserved for each kill, so that there is something to judge even if all others have been sent."""
LOOK_SECONDS = 0.25

Show = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """Sends `logs` known logs at `rate` per second (None: spread over the kills), with `kills` kills.

    Each kill waits until the stack has recovered from the previous one, unless `relentless`.
    """

    logs: int
    kills: int
    seed: int
    rate: float | None = None
    relentless: bool = False
    engine: Embedded = "local"


def run(plan: Plan, on_step: Show, report: Show, *, keep: bool) -> Result:
    """Starts a stack in `.state-chaos` on free ports, sends, kills, counts, and removes the stack, unless `keep`.

    If the run fails, data and logs are kept.

    `on_step` receives the current step, `report` what is done. Raises StackError if the stack does not start, or no
    verdict arrives within RECOVERY_SECONDS after a kill.
    """
    state = ROOT / ".state-chaos"
    ports = {f"LOGSIEVE_PORT_{name.upper()}": str(port) for name, port in free_ports().items()}
    variables = {**os.environ, **ports, "LOGSIEVE_STATE": str(state)}
    on_step("Starting a separate stack")
    _command(variables, "up", "--fresh", "--yes", "--rate", "20", "--engine", plan.engine)
    env = environment.load(Settings(state=state))
    assert env is not None  # noqa: S101  # `up` created it
    result = None
    try:
        begun = time.monotonic()
        result = Chaos(env, plan, on_step, report).run()
        result.minutes = round((time.monotonic() - begun) / 60, 1)
        return result
    finally:
        if not keep:
            on_step("Removing the stack")
            _command(variables, "down")
            if result is not None and result.passed:
                wipe(env)
            else:
                report(f"The run failed. Its data and logs are kept in {env.state}.")


def _command(variables: dict[str, str], *words: str) -> None:
    command = [str(ROOT / "logsieve"), *words]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise StackError(f"./logsieve {words[0]} failed: {done.stderr.strip()[-2000:]}", "Check ./logsieve doctor")


class Chaos:
    """One run against a running stack."""

    def __init__(self, env: Environment, plan: Plan, on_step: Show, report: Show) -> None:
        self._env, self._on_step, self._report, self._relentless = env, on_step, report, plan.relentless
        self._kinds = killer.order(plan.engine, plan.kills, random.Random(plan.seed))  # noqa: S311
        self._rng = random.Random(plan.seed + 1)  # noqa: S311
        self._result = Result(plan.logs, plan.seed)
        self._reserved = max(min(RESERVED_PER_KILL, plan.logs // 2 // max(plan.kills, 1)), 1)
        self._sender = KnownLogs(
            env.outside.kafka,
            reading.of(env.settings),
            Accounts.of(env.settings),
            plan.seed,
            plan.logs,
            plan.rate or max(plan.logs / (plan.kills * SECONDS_PER_KILL), 50.0),
            min(plan.kills * self._reserved, plan.logs),
        )

    def run(self) -> Result:
        """Sends and kills, waits until every hop has all logs, then counts."""
        self._stop_the_generator()
        before = self._ends()
        self._sender.start()
        try:
            for number, kind in enumerate(self._kinds, 1):
                what = f"{number} of {len(self._kinds)}: {kind}"
                if not self._relentless:
                    self._until(self._whole, RECOVERY_SECONDS, f"Waiting for recovery before {what}", pause=1)
                time.sleep(self._rng.uniform(*PAUSE_SECONDS))
                self._kill(what, kind)
            self._sender.release()
            while self._sender.is_alive():
                self._on_step(f"Sending the rest, {self._progress()}")
                self._sender.join(1)
        finally:
            self._sender.stop()
            self._sender.join()
        self._until(self._drained, DRAIN_SECONDS, "Waiting until every hop has all logs")
        self._on_step("Counting")
        # This process counts by the contract of that stack, which it has changed meanwhile.
        reading.use(self._env.settings.contract_in_effect)
        count.count(self._env, self._sender, before, self._result)
        return self._result

    def _stop_the_generator(self) -> None:
        api = AirflowApi(self._env)
        run = api.last_run(GENERATE_DAG)
        if run is not None:
            api.end_run(GENERATE_DAG, run["dag_run_id"])

        def ended() -> bool:
            first = self._ends()
            time.sleep(3)
            return first == self._ends()

        self._until(ended, 120, "Stopping the generator")

    def _kill(self, what: str, kind: str) -> None:
        self._until(lambda: killer.kill(self._env, kind), RECOVERY_SECONDS, f"Looking for {what}")
        begun = time.monotonic()
        # Logs sent before the kill do not count: they may also have been judged before it.
        self._sender.mark()
        self._sender.allow(self._reserved)
        judged = self._indexed if kind in killer.IN_THE_INDEX else self._loaded

        def new_verdict() -> bool:
            ends = judged()
            return any(ends.get(partition, 0) > first for partition, first in list(self._sender.since.items()))

        self._until(new_verdict, RECOVERY_SECONDS, f"Kill {what}")
        seconds = round(time.monotonic() - begun, 1)
        self._result.kills[kind] = self._result.kills.get(kind, 0) + 1
        self._report(f"{what}: new verdict after {seconds:.1f} s")
        self._result.seconds[kind] = max(self._result.seconds.get(kind, 0.0), seconds)

    def _whole(self) -> bool:
        programs = programs_of(self._env)
        return victims.supervised(self._env) and not any(status.ask(self._env, program) for program in programs)

    def _until(self, condition: Callable[[], Any], seconds: float, what: str, pause: float = LOOK_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while True:
            with suppress(*CLIENT_ERRORS):
                if condition():
                    return
            if time.monotonic() > deadline:
                raise StackError(
                    f"{what}: not done within {seconds:.0f} s.", "Rerun with --keep, then check its status."
                )
            self._on_step(f"{what}, {self._progress()}")
            time.sleep(pause)

    def _progress(self) -> str:
        return f"{self._sender.acknowledged:,} of {self._result.logs:,} logs sent"

    def _ends(self) -> dict[int, int]:
        with self._env.outside.looking(INDEXER_GROUP) as consumer:
            return hops.topic_ends(consumer, LOGS_TOPIC)

    def _loaded(self) -> dict[int, int]:
        with closing(self._env.outside.mysql()) as connection, closing(connection.cursor()) as cursor:
            return hops.read_loaded_logs(cursor)

    def _indexed(self) -> dict[int, int]:
        by_partition = {
            "partition": {
                "terms": {"field": DOCUMENT_PARTITION},
                "aggs": {"last": {"max": {"field": DOCUMENT_OFFSET}}},
            }
        }
        with self._env.outside.search(5) as index:
            buckets = index.search(index=INDEX, size=0, aggs=by_partition)["aggregations"]["partition"]["buckets"]
        return {bucket["key"]: int(bucket["last"]["value"]) + 1 for bucket in buckets}

    def _drained(self) -> bool:
        ends = self._ends()
        with self._env.outside.looking(INDEXER_GROUP) as consumer:
            verdicts = hops.topic_ends(consumer, STATUS_TOPIC)
            backlog = sum(verdicts[number] - done for number, done in hops.indexed(consumer, verdicts).items())
        return self._loaded() == {number: end for number, end in ends.items() if end} and backlog == 0
