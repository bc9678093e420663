"""A session of the stream gets the task slots that its partitions need, whatever spark-submit was told."""

import os
import subprocess
import sys
from pathlib import Path

from include.settings import ROOT

JOB = """
from jobs import session
spark = session.build("test", partitions=3)
print("master", spark.sparkContext.master, spark.sparkContext.defaultParallelism)
spark.stop()
"""


def test_partitions_decide_over_the_master_of_spark_submit(tmp_path: Path) -> None:
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
