"""A session of the stream gets enough task slots for its partitions, whatever --master spark-submit has."""

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from include.settings import ROOT

JOB = """
from include.settings import Settings
from jobs import session
from jobs.driver import slots
spark = session.build("test", slots.conf(Settings(), session.master(), 3, "realtime"))
print("master", spark.sparkContext.master, spark.sparkContext.defaultParallelism)
spark.stop()
"""


def test_partitions_override_the_master_of_spark_submit(tmp_path: Path) -> None:
    job = tmp_path / "job.py"
    job.write_text(JOB)
    done = subprocess.run(
        [str(Path(sys.executable).parent / "spark-submit"), "--master", "local[2]", str(job)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "master local[4] 4" in done.stdout, done.stderr[-3000:]


def test_a_client_of_the_drivers_port_must_authenticate(spark: SparkSession) -> None:
    """Its bytes are not deserialised as Java objects: Spark answers that it expected another message."""
    address = (spark.conf.get("spark.driver.host"), int(spark.conf.get("spark.driver.port")))
    body = b"\xac\xed\x00\x05 an object of Java's"
    request = struct.pack(">bqi", 3, 1, len(body)) + body  # an RPC request of Spark's, with number 1
    with socket.create_connection(address, timeout=10) as stranger:
        stranger.sendall(struct.pack(">q", 8 + len(request)) + request)
        answer = stranger.recv(4096)
        assert b"Expected SaslMessage" in answer, answer
