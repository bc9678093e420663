"""What growth costs: Logsieve with all its sinks on one machine and on a cluster, by partitions and executors."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench import measure, own_stack, pour, summary
from bench.contestants import INDEXED
from bench.measure import Run
from bench.run import counter
from include.stack.engines import Embedded
from include.stack.errors import StackError
from include.stack.steps import Steps


@dataclass(frozen=True)
class Plan:
    """Logs of each run, partitions of the topics, executors on the cluster."""

    logs: int
    partitions: Sequence[int]
    executors: Sequence[int]
    engine: Embedded
    seed: int
    accounts: int


@dataclass(frozen=True)
class Grown:
    """A run. `executors`: 0 on one machine."""

    partitions: int
    executors: int
    run: Run

    def microseconds(self, *groups: str) -> float | None:
        """CPU of these groups for each log after the first 30 %; None if all logs were done at once."""
        spent = sum(self.run.warm_cpu[group] for group in groups)
        return 1e6 * spent / self.run.warm_logs if self.run.warm_logs else None

    def as_json(self) -> dict[str, Any]:
        """Returns the run as plain values."""
        return asdict(self)


def run(plan: Plan, steps: Steps, *, keep: bool) -> list[Grown]:
    """Measures each number of partitions on one machine, then with each number of executors.

    Raises StackError, also if a verdict is missing or wrong.
    """
    found = []
    on_cluster = [replace(INDEXED, engine=plan.engine, executors=count) for count in plan.executors]
    for partitions in plan.partitions:
        with own_stack.running(partitions, plan.accounts, plan.seed, steps, keep=keep, engine=plan.engine) as env:
            with steps.step(f"Send the logs to {partitions} partitions") as show:
                made = pour.pour(env, plan.logs, 0.05, 0.05, counter(show, "Send the logs: {:,}"))
                show(f"{plan.logs:,} logs are in {partitions} partitions")
            for contestant in (INDEXED, *on_cluster):
                where = f"executors: {contestant.executors}" if contestant.executors else "one machine"
                with steps.step(f"{partitions} partitions, {where}") as show:
                    measured = measure.run(env, contestant, plan.logs, 0, show)
                    show(f"{partitions} partitions, {where}: {summary.whole(measured):,.0f} logs/s")
                for hop, counts in measured.found.items():
                    if (counted := {status: count[0] for status, count in counts.items()}) != made:
                        raise StackError(f"{hop}: {counted}, but {made} were sent.", "Please report this bug.")
                found.append(Grown(partitions, contestant.executors, measured))
    return found
