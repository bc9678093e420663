"""Which index a document belongs to: that of the UTC day of its `received_at`, or the odd one. Pure."""

import re
from collections.abc import Collection
from datetime import date, timedelta
from typing import Final

from include.names import DAY_INDICES, ODD_INDEX, day_index

PAST: Final = timedelta(days=400)
FUTURE: Final = timedelta(days=1)
"""Days within these distances of today get an index. A log can have any day if the broker takes the sender's clock
for it; so no sender can make more indices than these."""

# A quote inside a JSON text is escaped, so no field's text can look like this.
_DAY: Final = re.compile(rb'"received_at":\s*"(\d{4}-\d\d-\d\d)T')
_OURS: Final = re.compile(re.escape(DAY_INDICES).replace(r"\?", r"\d"))


def day_of(value: bytes) -> bytes:
    """Returns the day of a status message's `received_at`, YYYY-MM-DD; empty if it has none."""
    found = _DAY.search(value)
    return found[1] if found else b""


def index_of(day: bytes, today: date, there: Collection[str]) -> str:
    """Returns the name of the index for documents of this day (see `day_of`), given the indices that are there.

    A correction finds its document, because neither changes. A day that is far off keeps the index that it has.
    """
    try:
        received = date.fromisoformat(day.decode())
    except ValueError:
        return ODD_INDEX
    name = day_index(received)
    return name if today - PAST <= received <= today + FUTURE or name in there else ODD_INDEX


def is_ours(name: str) -> bool:
    """Whether an index has a name that `index_of` can return."""
    return name == ODD_INDEX or _OURS.fullmatch(name) is not None
