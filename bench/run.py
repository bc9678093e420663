"""A whole bench: its own stack, the logs, and every contestant once a round, in an order that rotates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from bench import limits, measure, own_stack, pour, prefill, sinks, summary
from bench.contestants import ALL, Contestant
from bench.measure import Run
from bench.summary import Summary
from include import names
from include.stack.environment import Environment
from include.stack.errors import StackError
from include.stack.steps import Steps


@dataclass(frozen=True)
class Plan:
    """How many logs and rounds, of what, for whom."""

    logs: int
    rounds: int
    seed: int
    partitions: int
    accounts: int
    share_bad: float
    share_suspicious: float
    rows: int = 0
    """How many rows are in the tables before."""
    contestants: Sequence[Contestant] = ALL

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        names = [each.name for each in self.contestants]
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"contestants": names}


def order(contestants: Sequence[Contestant], number: int) -> list[Contestant]:
    """Each round begins with another one, so that none always runs on a cold or a tired machine."""
    begin = number % len(contestants)
    return [*contestants[begin:], *contestants[:begin]]


def run(plan: Plan, steps: Steps, tell: Callable[[str], None], *, keep: bool) -> Summary:
    """Runs all of it. `tell` is told of each run that ended. Raises StackError."""
    with own_stack.running(plan.partitions, plan.accounts, plan.seed, steps, keep=keep) as env:
        made = _pour(env, plan, steps)
        if plan.rows:
            with steps.step(f"Fill the tables with {plan.rows:,} rows") as say:
                prefill.fill(env, plan.rows, _saying(say, "Fill the tables: {:,}"))
        runs: list[Run] = []
        for number in range(plan.rounds):
            for contestant in order(plan.contestants, number):
                with steps.step(contestant.title) as say:
                    runs.append(measure.run(env, contestant, plan.logs, number, say))
                    say(f"{contestant.title}, round {number + 1} of {plan.rounds}: {_told(runs[-1])}")
        found = summary.summarise(runs, made)
        for wrong in found.wrong:
            tell(wrong)
        return found


def _pour(env: Environment, plan: Plan, steps: Steps) -> dict[str, int]:
    with steps.step("Pour the logs") as say:
        made = pour.pour(env, plan.logs, plan.share_bad, plan.share_suspicious, _saying(say, "Pour the logs: {:,}"))
        say("Prepare the rows of the limits")
        prepared = limits.prepare(own_stack.env_settings(env), sinks.ends(env, names.LOGS_TOPIC))
        if prepared != made:
            raise StackError(f"The logs were made as {made}, but are {prepared}.", "This is a fault of the bench.")
        say(f"{plan.logs:,} logs are in the topic")
    return made


def _saying(say: Callable[[str], None], text: str) -> Callable[[int], None]:
    return lambda number: say(text.format(number))


def _told(run: Run) -> str:
    speed = summary.warm(run)
    return f"{run.logs / run.seconds:,.0f} logs/s" + (f", warm {speed:,.0f}" if speed else "")
