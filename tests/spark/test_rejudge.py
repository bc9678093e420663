"""A verdict of today beside the stored one: what counts as changed, and the next revision."""

from pyspark.sql import Row, SparkSession

from jobs import rejudge_logs


def test_a_verdict_has_changed_when_status_or_reasons_differ(spark: SparkSession) -> None:
    judged = [
        ("good", [], "good", [], 0),
        ("good", [], "bad", ["null_device"], 0),
        ("bad", ["not_json"], "bad", ["not_json"], 2),
        ("bad", ["not_json"], "bad", ["missing_device", "not_json"], 2),
        ("good", [], None, None, None),
    ]
    columns = "status string, reasons array<string>, was string, was_reasons array<string>, was_revision int"
    found = rejudge_logs.compare(spark.createDataFrame(judged, columns)).select("was", "changed", "revision").collect()
    assert found == [
        Row(was="good", changed=False, revision=1),
        Row(was="bad", changed=True, revision=1),
        Row(was="bad", changed=False, revision=3),
        Row(was="bad", changed=True, revision=3),
        Row(was=None, changed=True, revision=1),
    ]
