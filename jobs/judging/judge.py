"""Judges logs: parses them, joins them with their users, and gives each its verdict.

The rules are in jobs/java/logsieve/Rules.java, called as Spark functions: a log is parsed in one pass over its bytes,
and its status message is built directly, without a column for each field in between.
"""

from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from include.contract import reading
from include.contract.model import Contract
from include.driver.exit_codes import DriverEnd
from include.driver.submit import RULES, judge_jar
from include.settings import Settings
from jobs import session
from jobs.ends import EndError

_READ, _READ_RECEIVED, _READ_ROW, _JUDGE = "read_log", "read_received_log", "read_row", "judge_log"
_KEY_OF: Final = "key_of_{}"
CLOSE: Final = "close_producers"
_FUNCTIONS: Final = {
    _READ: ("logsieve.ReadLog", "binary"),
    _READ_RECEIVED: ("logsieve.ReadReceivedLog", "binary"),
    _READ_ROW: ("logsieve.ReadRow", "binary"),
    _KEY_OF.format("int32"): ("logsieve.KeyOf$Int32", "int"),
    _KEY_OF.format("int64"): ("logsieve.KeyOf$Int64", "bigint"),
    _KEY_OF.format("text"): ("logsieve.KeyOf$OfText", "string"),
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


def judge(logs: DataFrame, users: DataFrame, revision: Column | None = None, *, are_of_rows: bool = False) -> DataFrame:
    """Adds the verdict to each log, in a stream or in a bounded frame.

    `logs`: partition, offset, timestamp and value as in the Kafka source, and any other columns. `users`: the frame of
    `users.read`. `revision`: how often the verdict was corrected, int; 0 by default. `are_of_rows`: their values were
    rebuilt from rows, see jobs/rejudging/chosen.py.
    Returns the columns of `logs`, and `verdict`: the status message, a JSON string.
    """
    contract = reading.current()
    read = logs.withColumn("_record", _record(contract, are_of_rows=are_of_rows))
    if contract.dimension is None:
        version, joined = F.lit(0), read.withColumn("_periods", F.lit(None).cast("binary"))
    else:
        version = users.agg(F.max("users_version")).scalar()
        known = F.broadcast(users.select("user_key", F.col("periods").cast("binary").alias("_periods")))
        key = F.call_function(_KEY_OF.format(contract.by_name[contract.dimension.key].type), "_record")
        joined = read.join(known, key == F.col("user_key"), how="left")
    verdict = F.call_function(
        _JUDGE, "_record", "value", "_periods", "partition", "offset", F.unix_millis("timestamp"), version,
        F.lit(0) if revision is None else revision,
    )  # fmt: skip
    return joined.select(*logs.columns, verdict.cast("string").alias("verdict"))


def _record(contract: Contract, *, are_of_rows: bool) -> Column:
    received = F.unix_millis("timestamp")
    if are_of_rows:
        return F.call_function(_READ_ROW, "value", received)
    if contract.needs_received:
        return F.call_function(_READ_RECEIVED, "value", received)
    return F.call_function(_READ, "value")
