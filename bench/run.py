"""A complete bench: its own stack, the logs, and every contestant once per round, in rotating order."""

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
    """The logs, rounds and contestants of a bench."""

    logs: int
    rounds: int
    seed: int
    partitions: int
    accounts: int
    share_bad: float
    share_suspicious: float
    rows: int = 0
    """Rows in the tables before each run."""
    contestants: Sequence[Contestant] = ALL

    def as_json(self) -> dict[str, Any]:
        """Returns the plan as plain values."""
        names = [each.name for each in self.contestants]
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"contestants": names}


def order(contestants: Sequence[Contestant], number: int) -> list[Contestant]:
    """The order of a round: each begins with another contestant, so that none always runs on a cold or busy machine."""
    begin = number % len(contestants)
    return [*contestants[begin:], *contestants[:begin]]


def run(plan: Plan, steps: Steps, report: Callable[[str], None], *, keep: bool) -> Summary:
    """Runs the bench. `report` is called with each wrong result. Raises StackError."""
    with own_stack.running(plan.partitions, plan.accounts, plan.seed, steps, keep=keep) as env:
        made = _pour(env, plan, steps)
        if plan.rows:
            with steps.step(f"Fill the tables with {plan.rows:,} rows") as show:
                prefill.fill(env, plan.rows, counter(show, "Fill the tables: {:,}"))
        runs: list[Run] = []
        for number in range(plan.rounds):
            for contestant in order(plan.contestants, number):
                with steps.step(contestant.title) as show:
                    runs.append(measure.run(env, contestant, plan.logs, number, show))
                    show(f"{contestant.title}, round {number + 1} of {plan.rounds}: {_speed(runs[-1])}")
        found = summary.summarise(runs, made)
        for wrong in found.wrong:
            report(wrong)
        return found


def _pour(env: Environment, plan: Plan, steps: Steps) -> dict[str, int]:
    with steps.step("Send the logs") as show:
        made = pour.pour(env, plan.logs, plan.share_bad, plan.share_suspicious, counter(show, "Send the logs: {:,}"))
        show("Prepare the rows of the limits")
        prepared = limits.prepare(env.reaching(), sinks.ends(env, names.LOGS_TOPIC))
        if prepared != made:
            raise StackError(f"The logs were generated as {made}, but judged as {prepared}.", "Please report this bug.")
        show(f"{plan.logs:,} logs are in the topic")
    return made


def counter(show: Callable[[str], None], text: str) -> Callable[[int], None]:
    """Shows a number in the text's `{}`."""
    return lambda number: show(text.format(number))


def _speed(run: Run) -> str:
    speed = summary.warm(run)
    return f"{run.logs / run.seconds:,.0f} logs/s" + (f", warm {speed:,.0f}" if speed else "")
