"""What each log runs through is code that Java compiles."""

from typing import Any

from pyspark.sql import SparkSession

from jobs import classify, session
from tests.spark.conftest import Judged

LONGEST = int(session.CONF["spark.sql.codegen.hugeMethodLimit"])


def test_no_method_of_the_judgement_is_too_long_for_java(spark: SparkSession, judged: Judged) -> None:
    debug: Any = (
        session.java_class(spark, "org.apache.spark.sql.execution.debug.package$").getField("MODULE$").get(None)
    )
    adaptive = spark.conf.get("spark.sql.adaptive.enabled")
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    try:
        plan = classify.messages(judged([b"{}"]))._jdf.queryExecution().executedPlan()
        stages = debug.codegenStringSeq(plan)
        lengths = [stages.apply(place)._3().maxMethodCodeSize() for place in range(stages.size())]
    finally:
        spark.conf.set("spark.sql.adaptive.enabled", adaptive or "true")
    # Told apart from plans that are not compiled at all: the stage with the join is long.
    assert LONGEST / 2 < max(lengths) < LONGEST
