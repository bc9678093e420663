"""Judges logs: parses them, joins them with their users, and gives each its verdict.

The rules are in jobs/java/logsieve/Rules.java, called as Spark functions: a log is parsed in one pass over its bytes,
and its status message is built directly, without a column for each field in between.
"""

from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from include.driver.exit_codes import DriverEnd
from include.driver.submit import RULES, judge_jar
from include.settings import Settings
from jobs import session
from jobs.ends import EndError

_READ, _ACCOUNT, _JUDGE = "read_log", "account_of", "judge_log"
CLOSE: Final = "close_producers"
_FUNCTIONS: Final = {
    _READ: ("logsieve.ReadLog", "binary"),
    _ACCOUNT: ("logsieve.AccountOf", "int"),
    _JUDGE: ("logsieve.JudgeLog", "binary"),
    CLOSE: ("logsieve.CloseProducers", "bigint"),
}
_REMEDY: Final = "run ./logsieve up"


class NotCompiledError(EndError):
    """The class path has no rules, or not the current ones."""

    exit_code = DriverEnd.NOT_PROVISIONED


def register(spark: SparkSession, settings: Settings) -> None:
    """Registers the functions that `judge` needs in the session. Raises NotCompiledError."""
    if RULES.is_dir():  # not with shipped modules: what was submitted together belongs together
        wanted, path = judge_jar(settings), session.jvm(spark).java.lang.System.getProperty("java.class.path")
        if not wanted.exists() or str(wanted) not in path:
            raise NotCompiledError(f"the current rules were not compiled before this start ({wanted}): {_REMEDY}")
    for name, (java_class, kind) in _FUNCTIONS.items():
        spark.udf.registerJavaFunction(name, java_class, kind)


def judge(logs: DataFrame, users: DataFrame, revision: Column | None = None) -> DataFrame:
    """Adds the verdict to each log, in a stream or in a bounded frame.

    `logs`: partition, offset, timestamp and value as in the Kafka source, and any other columns. `users`: the frame of
    `users.read`. `revision`: how often the verdict was corrected, int; 0 by default.
    Returns the columns of `logs`, and `verdict`: the status message, a JSON string.
    """
    version = users.agg(F.max("users_version")).scalar()
    read = logs.withColumn("_record", F.call_function(_READ, "value"))
    accounts = F.broadcast(users.select("account_no", F.col("periods").cast("binary").alias("_periods")))
    joined = read.join(accounts, F.call_function(_ACCOUNT, "_record") == F.col("account_no"), how="left")
    verdict = F.call_function(
        _JUDGE, "_record", "value", "_periods", "partition", "offset", F.unix_millis("timestamp"), version,
        F.lit(0) if revision is None else revision,
    )  # fmt: skip
    return joined.select(*logs.columns, verdict.cast("string").alias("verdict"))
