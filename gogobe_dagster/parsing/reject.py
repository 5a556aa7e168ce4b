"""A sample of a rejected row. It imports nothing, so that the ledger can name it without Polars."""

from dataclasses import dataclass
from typing import Final

MOST_SAMPLES: Final = 20
LONGEST_SAMPLE: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One row that was not taken, with enough of it to see why."""

    row_number: int
    reason: str
    sample: str
