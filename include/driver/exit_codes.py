"""Why a driver ends, for whoever submitted it."""

from enum import IntEnum


class DriverEnd(IntEnum):
    """Exit codes of jobs/stream_logs.py for ends that another driver at once would not better."""

    TAKEN_OVER = 75
    ANOTHER_LIVES = 76
    MORE_PARTITIONS = 77
    NOT_PROVISIONED = 78
    LOGS_GONE = 79
    """The indexer ends with it too."""
