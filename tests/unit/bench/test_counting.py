"""What the metrics cost is measured with the code that counts; how much it is, `./logsieve bench counting` tells."""

from dataclasses import astuple

from bench import counting


def test_what_a_log_costs_to_be_counted_is_measured() -> None:
    found = counting.measure(3)
    assert all(figure > 0 for figure in astuple(found))
    assert found.share == (found.times + found.counts) / found.until_row
    assert found.share_of_document == found.documents / found.until_document
