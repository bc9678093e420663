"""Who holds the lease, as text in MySQL."""

import pytest

from include.driver.lease import Holder


@pytest.mark.parametrize(
    ("text", "holder"),
    [
        ("", Holder("", 0)),
        ("host:42", Holder("host", 42)),
        (
            "node-1.example:42 application_1764521234567_0001",
            Holder("node-1.example", 42, "application_1764521234567_0001"),
        ),
        ("node:42 spark:logsieve-4f-driver", Holder("node", 42, "spark:logsieve-4f-driver")),
    ],
)
def test_a_holder_is_read_as_it_is_written(text: str, holder: Holder) -> None:
    assert Holder.of(text) == holder
    assert str(holder) == (text or ":0")
