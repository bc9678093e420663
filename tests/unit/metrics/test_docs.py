"""docs/metrics-list.md lists the metrics that there are."""

from include.metrics import catalogue
from include.settings import ROOT
from include.stack import tables


def test_the_page_prints_the_catalogue() -> None:
    page = (ROOT / "docs" / "metrics-list.md").read_text(encoding="utf-8")
    assert tables.markdown(catalogue.HEADER, catalogue.rows(), numbers=False) in page
