"""Exit codes by which a driver reports why it stopped."""

from enum import IntEnum


class DriverEnd(IntEnum):
    """Exit codes of jobs/stream_logs.py for failures that an immediate restart would not fix."""

    TAKEN_OVER = 75
    ANOTHER_LIVES = 76
    MORE_PARTITIONS = 77
    NOT_PROVISIONED = 78
    LOGS_GONE = 79
    """Used by the indexer too."""
    OTHER_CONTRACT = 80
