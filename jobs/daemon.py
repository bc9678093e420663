"""Spark's parent of the Python workers, with what they all need imported once: each worker is a fork of it.

Nothing that starts a thread, as pyarrow does: a fork has only the thread that forked.
"""

import mysql.connector  # noqa: F401
import pyspark.worker  # noqa: F401
from pyspark import daemon

from jobs import database, lease  # noqa: F401

if __name__ == "__main__":
    daemon.manager()
