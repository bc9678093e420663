"""Known logs that are sent while something is broken, and their proof at every hop."""

from include.contract import reading
from include.names import INDEXER_GROUP, LOGS_TOPIC, STATUS_TOPIC
from include.proof import evidence
from include.source.accounts import Accounts
from include.stack.chaos.known_logs import KnownLogs
from include.stack.repair import proving
from include.topics import hops
from tests.containers.system import RECOVERY_SECONDS, System, until


class Flow:
    """Known logs that are sent while something is broken, and their proof at every hop."""

    def __init__(self, system: System, logs: int = 200, rate: float = 40) -> None:
        self._system, self._logs, values = system, logs, system.values
        login = {"sasl.username": "logsieve_sender", "sasl.password": values["KAFKA_SENDER_PASSWORD"]}
        kafka = {**system.servers.outside.kafka, **login}
        self._before = system.ends()
        self._sender = KnownLogs(kafka, reading.current(), Accounts(7, 10_000), 7, logs, rate, 0)
        self._sender.start()
        until(lambda: self._sender.acknowledged > logs // 10, 60, "Kafka takes the first logs")

    def arrive(self) -> None:
        """Waits until all logs are everywhere, and compares every hop with what was sent."""
        self._sender.join(RECOVERY_SECONDS)
        assert self._sender.acknowledged == self._logs, "every log was taken"
        until(self._system.drained, RECOVERY_SECONDS, "every hop has every log")
        self.prove()

    def prove(self) -> None:
        """Proves every hop, and compares each verdict with what was sent. The generator may have sent others."""
        servers = self._system.servers
        proofs = proving.prove(servers, None, new_only=False, on_progress=lambda read, total: None)
        assert not any(each.kinds for each in proofs), [each.sentence() for each in proofs]
        known = 0
        with servers.outside.looking(INDEXER_GROUP) as consumer:
            ends, verdicts = (hops.topic_ends(consumer, topic) for topic in (LOGS_TOPIC, STATUS_TOPIC))
            for number, end in ends.items():
                origins = (self._before[number], end)
                messages = (0, verdicts[number])
                found = evidence.verdicts(consumer, number, messages, origins, origins[0], lambda _: None).codes
                expected = self._sender.expected(number, *origins)
                assert (found[expected != 0] == expected[expected != 0]).all()
                known += int((expected != 0).sum())
        assert known == self._logs
