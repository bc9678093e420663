"""What the clients raise when a server is away or refuses."""

from typing import Final

import mysql.connector
from confluent_kafka import KafkaException
from elastic_transport import TransportError
from elasticsearch import ApiError

SERVER_ERRORS: Final = (KafkaException, mysql.connector.Error, TransportError, ApiError, OSError)


def reason(error: BaseException) -> str:
    """The first line of the error's text, or its type if it has none."""
    text = error.args[0].str() if isinstance(error, KafkaException) else str(error)
    return text.splitlines()[0] if text else type(error).__name__
