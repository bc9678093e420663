"""Counts the result of a chaos run: every hop compared with the logs that were sent."""

from dataclasses import dataclass, field

import numpy as np

from include.names import INDEXER_GROUP, LOGS_TOPIC, STATUS_TOPIC
from include.proof import evidence, report
from include.stack.chaos.known_logs import KnownLogs
from include.stack.environment import Environment
from include.stack.repair import proving
from include.topics import hops


@dataclass
class Result:
    """The counts of a run.

    `faults`: number of origins by hop and fault, all 0 if nothing was lost or doubled. `seconds`: by kind of kill, the
    longest time to the first verdict of a log sent after the kill.
    """

    logs: int
    seed: int
    sent: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    faults: dict[str, dict[str, int]] = field(default_factory=dict)
    minutes: float = 0.0
    sentences: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every count is 0."""
        return not any(count for hop in self.faults.values() for count in hop.values())


def count(env: Environment, sender: KnownLogs, before: dict[int, int], result: Result) -> None:
    """Fills in `result`. `before`: end offsets of server-logs when the sender started. Raises StackError."""
    proofs = proving.prove(env, None, new_only=False, on_progress=lambda read, total: None)
    other = 0
    with env.outside.looking(INDEXER_GROUP) as consumer:
        ends = hops.topic_ends(consumer, LOGS_TOPIC)
        verdicts = hops.topic_ends(consumer, STATUS_TOPIC)
        for each in proofs:
            if (number := each.partition) is None:
                continue
            origins = (before.get(number, 0), ends[number])
            found = evidence.verdicts(
                consumer, number, (0, verdicts[number]), origins, origins[0], lambda _: None
            ).codes
            other += int(np.count_nonzero((found != sender.expected(number, *origins)) & (found != 0)))

    def differing(*kinds: str) -> int:
        return sum(len(each.differences.get(kind, ())) for each in proofs for kind in kinds)

    def edited(hop: str) -> int:
        """Number of differing fields of all logs at this hop."""
        return differing(*{kind for each in proofs for kind in each.differences if report.is_other(kind, hop)})

    arrived = sum(ends.values()) - sum(before.values())
    result.sent = sender.acknowledged
    result.faults = {
        LOGS_TOPIC: _row(lost=result.logs - min(arrived, result.sent), doubled=max(arrived - result.sent, 0)),
        STATUS_TOPIC: _row(
            lost=differing(report.NO_VERDICT, report.UNPROVEN),
            doubled=sum(each.messages - each.keys for each in proofs),
            status=other,
        ),
        "MySQL": _row(
            lost=differing(report.NO_ROW),
            doubled=differing(report.ROW_OF_NO_LOG),
            two=differing(report.TWO_TABLES),
            status=edited(report.OTHER_IN_MYSQL),
        ),
        "Elasticsearch": _row(
            lost=differing(report.NO_DOCUMENT) + sum(each.refused for each in proofs),
            doubled=sum(len(each.strays) for each in proofs),
            status=edited(report.OTHER_IN_INDEX),
        ),
    }
    result.sentences = [each.sentence() for each in proofs]


def _row(lost: int = 0, doubled: int = 0, two: int = 0, status: int = 0) -> dict[str, int]:
    return {"lost": lost, "doubled": doubled, "in two tables": two, "other content": status}
