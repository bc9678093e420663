"""Kafka's users: one per program, with the least rights. Shared by the stack and the containers. Idempotent."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from include.names import INDEXER_GROUP, LOGS_TOPIC, STATUS_TOPIC

Right = tuple[ResourceType, str, AclOperation]

ADMIN: Final = "logsieve_admin"
"""Has all rights: the commands of whoever started the stack."""
BROKER: Final = "logsieve_broker"
"""The server itself, which also creates the others. Its password is new at each `up`."""

_READ_LOGS: Final = (ResourceType.TOPIC, LOGS_TOPIC, AclOperation.READ)
_READ_VERDICTS: Final = (ResourceType.TOPIC, STATUS_TOPIC, AclOperation.READ)
_SEND_LOGS: Final = (ResourceType.TOPIC, LOGS_TOPIC, AclOperation.WRITE)
_SEE_GROUPS: Final = (ResourceType.GROUP, "*", AclOperation.DESCRIBE)
_CHANGE: Final = (
    AclOperation.CREATE,
    AclOperation.ALTER,
    AclOperation.DELETE,
    AclOperation.ALTER_CONFIGS,
)

RIGHTS: Final[Mapping[str, tuple[Right, ...]]] = {
    "logsieve_airflow": (
        *((ResourceType.TOPIC, topic, right) for topic in (LOGS_TOPIC, STATUS_TOPIC) for right in _CHANGE),
        _READ_LOGS, _READ_VERDICTS, _SEND_LOGS, _SEE_GROUPS,
    ),
    "logsieve_indexer": (_READ_VERDICTS, (ResourceType.GROUP, INDEXER_GROUP, AclOperation.READ)),
    "logsieve_reader": (_READ_LOGS, _READ_VERDICTS, _SEE_GROUPS),
    "logsieve_sender": (_SEND_LOGS,),
    "logsieve_stream": (
        _READ_LOGS, _READ_VERDICTS, (ResourceType.TOPIC, STATUS_TOPIC, AclOperation.WRITE), _SEE_GROUPS,
    ),
}  # fmt: skip
"""What each user may do. To read or to write includes to see the topic."""

_MECHANISM: Final = ScramMechanism.SCRAM_SHA_512
_ITERATIONS: Final = 4096
_SECONDS: Final = 30


def ensure(broker: str, broker_password: str, passwords: Mapping[str, str]) -> None:
    """Creates the missing users and rights, by a login as the broker. Raises KafkaException.

    `broker`: its address. `passwords`: by name (`kafka_admin` and so on).
    """
    login = {"sasl.mechanism": "PLAIN", "sasl.username": BROKER, "sasl.password": broker_password}
    client = AdminClient({"bootstrap.servers": broker, "security.protocol": "SASL_PLAINTEXT", "log_level": 0, **login})
    known: Any = client.describe_user_scram_credentials(request_timeout=_SECONDS)
    missing: list[UserScramCredentialAlteration] = [
        _credential(user, passwords) for user in (ADMIN, *RIGHTS) if user not in known.result(_SECONDS)
    ]
    if missing:
        for made in client.alter_user_scram_credentials(missing, request_timeout=_SECONDS).values():
            made.result(_SECONDS)
    for allowed in client.create_acls([*_bindings()], request_timeout=_SECONDS).values():
        allowed.result(_SECONDS)


def _credential(user: str, passwords: Mapping[str, str]) -> UserScramCredentialUpsertion:
    password = passwords[f"kafka_{user.removeprefix('logsieve_')}"]
    how = ScramCredentialInfo(_MECHANISM, _ITERATIONS)
    return UserScramCredentialUpsertion(user, how, password.encode(), secrets.token_bytes(16))


def _bindings() -> Iterator[AclBinding]:
    for user, rights in RIGHTS.items():
        for kind, name, operation in rights:
            who, allowed = f"User:{user}", AclPermissionType.ALLOW
            yield AclBinding(kind, name, ResourcePatternType.LITERAL, who, "*", operation, allowed)
